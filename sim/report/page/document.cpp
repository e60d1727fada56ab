// SPDX-License-Identifier: Apache-2.0
#include "sim/report/page/document.h"

#include <fmt/format.h>

#include "sim/report/page/figures.h"
#include "sim/report/page/markup.h"

namespace tilewright::report {
namespace {

// A number and its unit stay on one line.
std::string unbroken(std::string words) {
  for (const std::string unit : {"%", "mm", "GB/s", "MHz", "mJ", "V", "MiB", "KiB"}) {
    for (std::size_t at = words.find(' ' + unit); at != std::string::npos; at = words.find(' ' + unit, at)) {
      words.replace(at, 1, "\u00a0");
    }
  }
  return words;
}

std::string navigation(const PagePart& part) {
  std::string links;
  for (const auto& [id, words] : part.links) {
    links += fmt::format("<a href=\"#{}\">{}</a>\n", escaped(id),
                         escaped(words));  // a line may break between them
  }
  return "<nav>" + links + "</nav>\n";
}

}  // namespace

std::string paragraph(const std::string& words, const std::string& css_class) {
  return fmt::format("<p class=\"{}\">{}</p>\n", css_class, escaped(unbroken(words)));
}

std::string card(const std::string& value, const std::string& unit, const std::string& words) {
  return fmt::format("<div class=\"card\"><b>{} <small>{}</small></b><span>{}</span></div>\n", escaped(value),
                     escaped(unit), escaped(unbroken(words)));
}

std::string cards_of(const std::string& cards) {
  return "<div class=\"cards\">\n" + cards + "</div>\n";
}

std::string provenance_section(const std::vector<std::pair<std::string, std::string>>& terms,
                               const std::string& prefix) {
  std::string rows;
  for (const auto& [term, value] : terms) {
    rows += "<dt>" + escaped(term) + "</dt><dd>" + escaped(value) + "</dd>\n";
  }
  return "<h2 id=\"" + escaped(prefix) + "provenance\">Provenance</h2>\n<dl>\n" + rows + "</dl>\n";
}

std::string html_page(const std::vector<PagePart>& parts, const std::string& title) {
  const bool several = parts.size() != 1;
  const std::string name = several ? title : parts.front().title;
  std::string page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page +=
      "<title>" + escaped(name) + "</title>\n<style>\n" + style_sheet() + "</style>\n</head>\n<body><main>\n";
  page += several ? "<h1>" + escaped(title) + "</h1>\n<nav>" : "";
  for (std::size_t i = 0; several && i < parts.size(); ++i) {
    page += fmt::format("<a href=\"#part{}\">{}</a>\n", i + 1, escaped(parts[i].title));
  }
  page += several ? "</nav>\n" : "";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    page += several
                ? fmt::format("<h1 class=\"part\" id=\"part{}\">{}</h1>\n", i + 1, escaped(parts[i].title))
                : "<h1>" + escaped(parts[i].title) + "</h1>\n";
    page += paragraph(parts[i].lead, "lead") + navigation(parts[i]) + parts[i].markup;
  }
  return page + "</main>\n<script>\n" + script() + "</script>\n</body>\n</html>\n";
}

}  // namespace tilewright::report
