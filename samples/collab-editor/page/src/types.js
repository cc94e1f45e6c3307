// SPDX-License-Identifier: GPL-3.0-or-later
// The types of messages: protocol.hpp.
export const Type = {
  hello: 1, update: 2, caughtUp: 3, awareness: 4, chat: 5,
  status: 16, disk: 17, save: 18, compact: 19, invite: 20, answer: 21, saved: 22, join: 23, challenge: 24, welcome: 25,
};
