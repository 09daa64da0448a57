#include "simulator/ldap_filter.h"

#include <algorithm>

#include "base/hex.h"
#include "base/strings.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

constexpr int kMaxDepth = 32;

bool IsBinary(std::string_view lower_name) {
  return lower_name == "objectguid" || lower_name == "ms-ds-consistencyguid" ||
         lower_name == "replpropertymetadata" || lower_name == "invocationid";
}

bool ValueEquals(std::string_view attribute, std::string_view have, std::string_view asked) {
  if (IsBinary(attribute)) return have == asked;
  if (attribute == "objectsid") return have == asked || SidText(have) == asked;
  if (attribute == "objectcategory" && asked.find('=') == std::string_view::npos) {
    return ToLowerAscii(have).starts_with(Cat("cn=", ToLowerAscii(asked), ","));
  }
  return EqualsIgnoreCase(have, asked);
}

// Numbers by value; anything else (times) by text.
int Compare(std::string_view have, std::string_view asked) {
  const auto a = ParseInt64(have);
  const auto b = ParseInt64(asked);
  if (a && b) return *a < *b ? -1 : (*a > *b ? 1 : 0);
  return ToLowerAscii(have).compare(ToLowerAscii(asked));
}

bool SubstringsMatch(const std::vector<std::string>& pieces, std::string_view have) {
  if (pieces.size() < 2) return false;
  const std::string text = ToLowerAscii(have);
  const std::string first = ToLowerAscii(pieces.front());
  const std::string last = ToLowerAscii(pieces.back());
  if (!text.starts_with(first)) return false;
  size_t at = first.size();
  for (size_t i = 1; i + 1 < pieces.size(); ++i) {
    const std::string piece = ToLowerAscii(pieces[i]);
    const size_t found = text.find(piece, at);
    if (found == std::string::npos) return false;
    at = found + piece.size();
  }
  return text.size() >= at + last.size() && text.ends_with(last);
}

bool BitsMatch(LdapFilter::Kind kind, std::string_view have, std::string_view asked) {
  const auto value = ParseInt64(have);
  const auto mask = ParseInt64(asked);
  if (!value || !mask) return false;
  const int64_t common = *value & *mask;
  return kind == LdapFilter::Kind::kBitsAll ? common == *mask : common != 0;
}

bool ValueMatches(const LdapFilter& filter, const std::string& have) {
  switch (filter.kind) {
    case LdapFilter::Kind::kEqual:
      return ValueEquals(filter.attribute, have, filter.value);
    case LdapFilter::Kind::kGreaterOrEqual:
      return Compare(have, filter.value) >= 0;
    case LdapFilter::Kind::kLessOrEqual:
      return Compare(have, filter.value) <= 0;
    case LdapFilter::Kind::kSubstrings:
      return SubstringsMatch(filter.pieces, have);
    case LdapFilter::Kind::kBitsAll:
    case LdapFilter::Kind::kBitsAny:
      return BitsMatch(filter.kind, have, filter.value);
    default:
      return filter.kind == LdapFilter::Kind::kPresent;
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  StatusOr<LdapFilter> Parse() {
    DW_ASSIGN_OR_RETURN(LdapFilter filter, Filter(0));
    if (at_ != text_.size()) return Wrong("more text after the filter");
    return filter;
  }

 private:
  Status Wrong(std::string_view what) const {
    return InvalidError(Cat("LDAP filter, character ", at_, ": ", what));
  }
  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  StatusOr<LdapFilter> Filter(int depth) {
    if (depth > kMaxDepth) return Wrong("nested too deep");
    if (!Take('(')) return Wrong("'(' expected");
    LdapFilter filter;
    if (Take('&')) {
      filter.kind = LdapFilter::Kind::kAnd;
    } else if (Take('|')) {
      filter.kind = LdapFilter::Kind::kOr;
    } else if (Take('!')) {
      filter.kind = LdapFilter::Kind::kNot;
    } else {
      return Item();
    }
    while (at_ < text_.size() && text_[at_] == '(') {
      DW_ASSIGN_OR_RETURN(LdapFilter child, Filter(depth + 1));
      filter.children.push_back(std::move(child));
    }
    if (filter.kind == LdapFilter::Kind::kNot && filter.children.size() != 1) {
      return Wrong("'!' takes one filter");
    }
    if (!Take(')')) return Wrong("')' expected");
    return filter;
  }

  StatusOr<LdapFilter> Item() {
    const size_t end = text_.find(')', at_);
    const size_t equals = text_.find('=', at_);
    if (end == std::string_view::npos || equals >= end) return Wrong("'=' and ')' expected");
    LdapFilter filter;
    filter.kind = LdapFilter::Kind::kEqual;
    std::string_view name = text_.substr(at_, equals - at_);
    const std::string_view raw = text_.substr(equals + 1, end - equals - 1);
    if (name.ends_with('>')) filter.kind = LdapFilter::Kind::kGreaterOrEqual;
    if (name.ends_with('<')) filter.kind = LdapFilter::Kind::kLessOrEqual;
    if (name.ends_with(':')) {
      const size_t colon = name.find(':');
      const std::string_view rule =
          colon + 1 < name.size() ? name.substr(colon + 1, name.size() - colon - 2) : "";
      filter.kind = rule == kRuleBitsAll   ? LdapFilter::Kind::kBitsAll
                    : rule == kRuleBitsAny ? LdapFilter::Kind::kBitsAny
                                           : LdapFilter::Kind::kNever;
      name = name.substr(0, colon);
    } else if (filter.kind != LdapFilter::Kind::kEqual) {
      name.remove_suffix(1);
    }
    filter.attribute = ToLowerAscii(name);
    DW_RETURN_IF_ERROR(Value(raw, filter));
    at_ = end + 1;
    return filter;
  }

  Status Value(std::string_view raw, LdapFilter& filter) {
    if (filter.kind == LdapFilter::Kind::kEqual && raw == "*") {
      filter.kind = LdapFilter::Kind::kPresent;
      return OkStatus();
    }
    std::vector<std::string> pieces(1);
    for (size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '*') {
        pieces.emplace_back();
      } else if (raw[i] == '\\') {
        const auto byte =
            i + 2 < raw.size() ? HexDecode(ToLowerAscii(raw.substr(i + 1, 2))) : std::nullopt;
        if (!byte || byte->size() != 1) return Wrong("'\\' needs two hex digits");
        pieces.back() += *byte;
        i += 2;
      } else {
        pieces.back().push_back(raw[i]);
      }
    }
    if (pieces.size() > 1) {
      filter.kind = LdapFilter::Kind::kSubstrings;
      filter.pieces = std::move(pieces);
    } else {
      filter.value = std::move(pieces.front());
    }
    return OkStatus();
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

void LdapEntry::Add(std::string_view name, std::string value) {
  Attribute& attribute = attributes[ToLowerAscii(name)];
  if (attribute.name.empty()) attribute.name = std::string(name);
  attribute.values.push_back(std::move(value));
}

const std::vector<std::string>* LdapEntry::Find(std::string_view lower_name) const {
  const auto it = attributes.find(std::string(lower_name));
  return it == attributes.end() ? nullptr : &it->second.values;
}

bool Matches(const LdapFilter& filter, const LdapEntry& entry) {
  const auto child_matches = [&entry](const LdapFilter& child) { return Matches(child, entry); };
  switch (filter.kind) {
    case LdapFilter::Kind::kAnd:
      return std::all_of(filter.children.begin(), filter.children.end(), child_matches);
    case LdapFilter::Kind::kOr:
      return std::any_of(filter.children.begin(), filter.children.end(), child_matches);
    case LdapFilter::Kind::kNot:
      return filter.children.size() == 1 && !child_matches(filter.children.front());
    case LdapFilter::Kind::kNever:
      return false;
    default:
      break;
  }
  const auto* values = entry.Find(filter.attribute);
  return values != nullptr &&
         std::any_of(values->begin(), values->end(),
                     [&filter](const std::string& have) { return ValueMatches(filter, have); });
}

StatusOr<LdapFilter> ParseLdapFilter(std::string_view text) {
  return Parser(text).Parse();
}

}  // namespace driftwarden::simulator
