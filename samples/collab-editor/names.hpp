// SPDX-License-Identifier: GPL-3.0-or-later
// The names under which documents are shared.
#pragma once

#include <string>
#include <string_view>

namespace editor {

/// "org.tubes.editor.notes": the document "notes", for those it was shared with when the program started.
std::string service_for(std::string_view title);
/// Who is invited from the page has a share of their own, which outlives the one tube of the offer.
std::string invited_service(std::string_view title, std::string_view contact);
/// True for both kinds.
bool is_document(std::string_view service);
bool is_invited_service(std::string_view service);
/// A nickname without the characters that tell programs of one person apart: "bob" of "bob-7f3a".
std::string person_of(const std::string& nick);
/// The document's name; empty for other services.
std::string title_of(std::string_view service);

}  // namespace editor
