// SPDX-License-Identifier: LGPL-2.1-or-later
// Marks what the shared libraries export; everything else in them is hidden.
#pragma once

#define TUBES_API __attribute__((visibility("default")))
