// SPDX-License-Identifier: GPL-3.0-or-later
// In place of node:dns, which @xmpp/resolve imports and which no page has; the address of the server is given.
export default {};
