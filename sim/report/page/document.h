// SPDX-License-Identifier: Apache-2.0
//
// What all parts of a page share: paragraphs, cards, provenance, and the frame around them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/report/page.h"

namespace tilewright::report {

std::string paragraph(const std::string& words, const std::string& css_class = "");

// One headline number.
std::string card(const std::string& value, const std::string& unit, const std::string& words);
std::string cards_of(const std::string& cards);

// Terms and values under the heading "Provenance".
std::string provenance_section(const std::vector<std::pair<std::string, std::string>>& terms,
                               const std::string& prefix);

}  // namespace tilewright::report
