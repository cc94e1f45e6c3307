// SPDX-License-Identifier: GPL-3.0-or-later
// Gives the precompiled header a target, and compiles Asio's own sources once.
#include <boost/asio/impl/src.hpp>
