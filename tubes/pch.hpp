// SPDX-License-Identifier: GPL-3.0-or-later
// Precompiled headers: what most sources include anyway. Sources still name every header they use.
#pragma once
#include <utility>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include <boost/system/result.hpp>
#include <fmt/format.h>
