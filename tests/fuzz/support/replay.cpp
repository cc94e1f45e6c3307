// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a fuzz target over its corpus where there is no libFuzzer: each seed whole, cut short, and with bytes bent.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t kMostVariants = 512;  // per seed and kind, so that a large seed does not take minutes

void run(const Input& input) {
    // A copy of exactly this size, so that a sanitizer sees the first byte read behind the end.
    const Input exact(input.begin(), input.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::size_t run_variants(const Input& seed) {
    run(seed);
    std::size_t runs = 1;
    const std::size_t step = seed.size() / kMostVariants + 1;
    for (std::size_t at = 0; at < seed.size(); at += step) {
        run(Input(seed.begin(), seed.begin() + static_cast<std::ptrdiff_t>(at)));
        Input bent = seed;
        bent[at] ^= static_cast<std::uint8_t>(1U << (at % 8));
        run(bent);
        bent[at] = 0xff;
        run(bent);
        runs += 3;
    }
    return runs;
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t seeds = 0;
    std::size_t runs = 0;
    run({});
    for (int at = 1; at < argc; ++at) {
        if (!std::filesystem::is_directory(argv[at])) continue;
        for (const auto& entry : std::filesystem::directory_iterator(argv[at])) {
            std::ifstream file(entry.path(), std::ios::binary);
            const Input seed{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
            runs += run_variants(seed);
            ++seeds;
        }
    }
    std::printf("%zu seeds, %zu runs\n", seeds, runs);
    if (seeds > 0) return 0;
    std::fprintf(stderr, "no seeds: every fuzz target has a corpus\n");
    return 1;
}
