#include "daemon/text_residue.h"

#include "base/strings.h"
#include "daemon/json_text.h"

namespace driftwarden::daemon {

namespace json = boost::json;

namespace {

// "fido2 Key, since 2026-11-22T01:00:00Z".
std::string ResidueItemText(const std::string& area, const json::value& item) {
  const std::string name = TextAt(item, "name");
  std::string text = name.empty() ? TextAt(item, "id") : name;
  const std::string at = TextAt(item, "at");
  if (area == "authentication_methods") {
    text = name.empty() ? TextAt(item, "kind") : Cat(TextAt(item, "kind"), " ", name);
    if (FlagAt(item, "after_departure")) return Cat(text, " registered after it, ", at);
    return at.empty() ? text + " registered nobody knows when"
                      : Cat(text, " perhaps registered after it, ", at);
  }
  const std::string detail = TextAt(item, "detail");
  if (!detail.empty()) text += Cat(" (", detail, ")");
  if (!at.empty()) text += Cat(" until ", at);
  return text;
}

void AddBlock(const json::value& person, std::string& out) {
  const std::string closed = TextAt(person, "closed");
  out += Cat(TextAt(person, "upn"), "  ", TextAt(person, "tier"), "  ", TextAt(person, "id"),
             "  left ", TextAt(Field(person, "departed"), "hi"), ", ",
             closed.empty() ? "open" : Cat("closed ", closed), "\n");
  std::vector<std::string> nothing;
  for (const json::value& area : ListAt(person, "areas")) {
    const std::string name = TextAt(area, "area");
    if (!FlagAt(area, "evaluated")) continue;
    const json::array& items = ListAt(area, "items");
    if (items.empty() && FlagAt(area, "complete")) nothing.push_back(name);
    for (const json::value& item : items)
      out += Cat("  ", name, ": ", ResidueItemText(name, item), "\n");
    if (!FlagAt(area, "complete")) out += Cat("  ", name, ": and more that was not read\n");
  }
  if (!nothing.empty()) out += Cat("  evaluated, none: ", JoinStrings(nothing, ", "), "\n");
  for (const json::value& area : ListAt(person, "areas")) {
    if (FlagAt(area, "evaluated")) continue;
    out += Cat("  not evaluated: ", TextAt(area, "area"), " (", TextAt(area, "reason"), ")\n");
  }
}

}  // namespace

std::string ResidueText(const json::array& people) {
  std::string out;
  for (const json::value& person : people) AddBlock(person, out);
  return out;
}

TextRow ResidueCsvHeader() {
  return {"link",   "id",      "upn",  "tier", "departed", "closed", "area", "evaluated",
          "reason", "read_at", "item", "name", "kind",     "detail", "at",   "after_departure"};
}

std::vector<TextRow> ResidueCsvRows(const json::array& people) {
  std::vector<TextRow> rows;
  for (const json::value& person : people) {
    const TextRow who = {TextAt(person, "link"),
                         TextAt(person, "id"),
                         TextAt(person, "upn"),
                         TextAt(person, "tier"),
                         TextAt(Field(person, "departed"), "hi"),
                         TextAt(person, "closed")};
    for (const json::value& area : ListAt(person, "areas")) {
      TextRow begin = who;
      begin.insert(begin.end(), {TextAt(area, "area"), TextAt(area, "evaluated"),
                                 TextAt(area, "reason"), TextAt(area, "at")});
      const json::array& items = ListAt(area, "items");
      for (const json::value& item : items) {
        TextRow row = begin;
        row.insert(row.end(),
                   {TextAt(item, "id"), TextAt(item, "name"), TextAt(item, "kind"),
                    TextAt(item, "detail"), TextAt(item, "at"), TextAt(item, "after_departure")});
        rows.push_back(std::move(row));
      }
      if (!items.empty()) continue;
      begin.resize(who.size() + 10);
      rows.push_back(std::move(begin));
    }
  }
  return rows;
}

}  // namespace driftwarden::daemon
