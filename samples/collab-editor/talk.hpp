// SPDX-License-Identifier: GPL-3.0-or-later
// A copy of the document at the other end of a tube's stream.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "samples/collab-editor/document.hpp"
#include "tubes/stream.hpp"

namespace editor {

/// Says hello, then sends what there is and takes what comes, until either side ends it or breaks a rule.
boost::asio::awaitable<void> talk(Document& document, tubes::Stream stream);

}  // namespace editor
