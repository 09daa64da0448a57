#include "watchers/directory/filter.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "monitor/ids.h"

namespace driftwarden::directory {
namespace {

constexpr size_t kMaxText = 16 * 1024;
constexpr size_t kMaxNodes = 1000;
constexpr int kMaxDepth = 32;
constexpr std::string_view kRuleAllBits = "1.2.840.113556.1.4.803";
constexpr std::string_view kRuleAnyBit = "1.2.840.113556.1.4.804";

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

// A SID in a filter may be its text.
bool EqualSid(std::string_view have, std::string_view asked) {
  const auto wanted = monitor::Sid::Parse(asked);
  return wanted && wanted->bytes == have;
}

bool EqualValues(std::string_view attribute, std::string_view have, std::string_view asked) {
  if (attribute == "objectguid" || attribute == "ms-ds-consistencyguid") return have == asked;
  if (attribute == "objectsid") return have == asked || EqualSid(have, asked);
  // A class by its short name: (objectCategory=person).
  if (attribute == "objectcategory" && asked.find('=') == std::string_view::npos) {
    return ToLowerAscii(have).starts_with(Cat("cn=", ToLowerAscii(asked), ","));
  }
  const auto a = ParseInt64(have);
  const auto b = ParseInt64(asked);
  return a && b ? *a == *b : EqualsIgnoreCase(have, asked);
}

int Compare(std::string_view have, std::string_view asked) {
  const auto a = ParseInt64(have);
  const auto b = ParseInt64(asked);
  if (a && b) return *a < *b ? -1 : (*a > *b ? 1 : 0);
  return ToLowerAscii(have).compare(ToLowerAscii(asked));
}

bool HasPieces(const std::vector<std::string>& pieces, std::string_view value) {
  const std::string text = ToLowerAscii(value);
  const std::string& first = pieces.front();
  const std::string& last = pieces.back();
  if (text.size() < first.size() + last.size() || !text.starts_with(first)) return false;
  const size_t end = text.size() - last.size();
  if (!text.ends_with(last)) return false;
  size_t at = first.size();
  for (size_t i = 1; i + 1 < pieces.size(); ++i) {
    const size_t found = text.find(pieces[i], at);
    if (found == std::string::npos || found + pieces[i].size() > end) return false;
    at = found + pieces[i].size();
  }
  return true;
}

}  // namespace

// Recursive descent over the text; remembers the first byte it could not take.
class FilterParser {
 public:
  explicit FilterParser(std::string_view text) : text_(text) {}

  StatusOr<Filter> Run() {
    if (text_.size() > kMaxText) return Wrong("is longer than 16 KiB");
    Filter filter;
    Blanks();
    DW_RETURN_IF_ERROR(ReadFilter(filter.root_, 0));
    Blanks();
    if (at_ != text_.size()) return Wrong("goes on behind its end");
    filter.attributes_ = std::move(attributes_);
    return filter;
  }
  size_t at() const { return at_; }

 private:
  using Node = Filter::Node;
  using Kind = Filter::Kind;

  Status Wrong(std::string_view what) const { return InvalidError(Cat("the filter ", what)); }
  char Next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (Next() != c) return false;
    ++at_;
    return true;
  }
  void Blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) {
      ++at_;
    }
  }

  Status ReadFilter(Node& node, int depth) {
    if (depth > kMaxDepth) return Wrong("is nested deeper than 32 levels");
    if (++nodes_ > kMaxNodes) return Wrong("has more than 1000 conditions");
    if (!Take('(')) return Wrong("lacks a ( here");
    Blanks();
    if (Take('&')) {
      DW_RETURN_IF_ERROR(ReadList(node, Kind::kAnd, depth));
    } else if (Take('|')) {
      DW_RETURN_IF_ERROR(ReadList(node, Kind::kOr, depth));
    } else if (Take('!')) {
      node.kind = Kind::kNot;
      Blanks();
      DW_RETURN_IF_ERROR(ReadFilter(node.children.emplace_back(), depth + 1));
      Blanks();
    } else {
      DW_RETURN_IF_ERROR(ReadCondition(node));
    }
    if (!Take(')')) return Wrong("lacks a ) here");
    return OkStatus();
  }

  Status ReadList(Node& node, Kind kind, int depth) {
    node.kind = kind;
    Blanks();
    do {
      DW_RETURN_IF_ERROR(ReadFilter(node.children.emplace_back(), depth + 1));
      Blanks();
    } while (Next() == '(');
    return OkStatus();
  }

  Status ReadCondition(Node& node) {
    const size_t begin = at_;
    while (IsNameByte(Next())) ++at_;
    const std::string name(text_.substr(begin, at_ - begin));
    if (name.empty()) return Wrong("lacks the name of an attribute here");
    if (name.size() > 64) return Wrong("has an attribute name of more than 64 letters here");
    node.attribute = ToLowerAscii(name);
    if (node.attribute == "tokengroups" || node.attribute == "msds-memberoftransitive") {
      return Wrong("looks at an attribute that a search does not give; use tiers[].match.groups");
    }
    const auto same = [&](const std::string& known) { return EqualsIgnoreCase(known, name); };
    if (std::none_of(attributes_.begin(), attributes_.end(), same)) attributes_.push_back(name);
    if (Take('=')) return ReadEqual(node);
    if (Take('>')) return ReadOrdered(node, Kind::kAtLeast);
    if (Take('<')) return ReadOrdered(node, Kind::kAtMost);
    if (Take(':')) return ReadRule(node);
    if (Next() == '~') return Wrong("asks for an approximate match, which is not evaluated here");
    return Wrong("lacks =, >=, <= or :RULE:= here");
  }

  Status ReadEqual(Node& node) {
    std::vector<std::string> pieces;
    DW_RETURN_IF_ERROR(ReadValue(pieces));
    if (pieces.size() == 1) {
      node.kind = Kind::kEqual;
      node.value = std::move(pieces.front());
      return OkStatus();
    }
    const bool only_a_star = pieces.size() == 2 && pieces[0].empty() && pieces[1].empty();
    node.kind = only_a_star ? Kind::kPresent : Kind::kPieces;
    if (only_a_star) return OkStatus();
    for (std::string& piece : pieces) node.pieces.push_back(ToLowerAscii(piece));
    return OkStatus();
  }

  Status ReadOrdered(Node& node, Kind kind) {
    if (!Take('=')) return Wrong("lacks a = here");
    node.kind = kind;
    return ReadSingle(node);
  }

  Status ReadRule(Node& node) {
    const size_t begin = at_;
    while (IsNameByte(Next()) || Next() == '.') ++at_;
    const std::string_view rule = text_.substr(begin, at_ - begin);
    if (rule != kRuleAllBits && rule != kRuleAnyBit) {
      at_ = begin;
      return Wrong("asks for a matching rule that is not evaluated here");
    }
    if (!Take(':') || !Take('=')) return Wrong("lacks a := here");
    node.kind = rule == kRuleAllBits ? Kind::kAllBits : Kind::kAnyBit;
    const size_t value_at = at_;
    DW_RETURN_IF_ERROR(ReadSingle(node));
    if (ParseInt64(node.value)) return OkStatus();
    at_ = value_at;
    return Wrong("compares bits with what is no number here");
  }

  Status ReadSingle(Node& node) {
    const size_t begin = at_;
    std::vector<std::string> pieces;
    DW_RETURN_IF_ERROR(ReadValue(pieces));
    if (pieces.size() != 1) {
      at_ = begin;
      return Wrong("has a * where only a value can stand");
    }
    node.value = std::move(pieces.front());
    return OkStatus();
  }

  // Up to the closing parenthesis, cut at each *.
  Status ReadValue(std::vector<std::string>& pieces) {
    pieces.emplace_back();
    while (at_ < text_.size() && Next() != ')') {
      if (Take('*')) {
        if (pieces.size() > 1 && pieces.back().empty()) continue;  // "**" is "*"
        pieces.emplace_back();
      } else if (Next() == '(' || Next() == '\0') {
        return Wrong("has a byte that must be written as \\28 or \\00 here");
      } else if (Take('\\')) {
        const auto byte = HexDecode(text_.substr(at_, 2));
        if (!byte || byte->size() != 1)
          return Wrong("has a \\ without two hexadecimal digits here");
        pieces.back() += *byte;
        at_ += 2;
      } else {
        pieces.back().push_back(text_[at_++]);
      }
    }
    return OkStatus();
  }

  const std::string_view text_;
  size_t at_ = 0;
  size_t nodes_ = 0;
  std::vector<std::string> attributes_;
};

StatusOr<Filter> Filter::Parse(std::string_view text, size_t* at) {
  FilterParser parser(text);
  StatusOr<Filter> filter = parser.Run();
  *at = parser.at();
  return filter;
}

bool Filter::Matches(const Entry& entry) const {
  return Holds(root_, entry);
}

bool Filter::Holds(const Node& node, const Entry& entry) {
  const auto holds = [&](const Node& child) { return Holds(child, entry); };
  if (node.kind == Kind::kAnd) {
    return std::all_of(node.children.begin(), node.children.end(), holds);
  }
  if (node.kind == Kind::kOr) return std::any_of(node.children.begin(), node.children.end(), holds);
  if (node.kind == Kind::kNot) return !Holds(node.children.front(), entry);
  if (node.attribute == "distinguishedname") return ValueHolds(node, entry.dn);
  const auto found = entry.attributes.find(node.attribute);
  if (found == entry.attributes.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [&](const std::string& value) { return ValueHolds(node, value); });
}

bool Filter::ValueHolds(const Node& node, std::string_view value) {
  switch (node.kind) {
    case Kind::kPresent:
      return true;
    case Kind::kEqual:
      return EqualValues(node.attribute, value, node.value);
    case Kind::kAtLeast:
      return Compare(value, node.value) >= 0;
    case Kind::kAtMost:
      return Compare(value, node.value) <= 0;
    case Kind::kPieces:
      return HasPieces(node.pieces, value);
    case Kind::kAllBits:
    case Kind::kAnyBit: {
      const auto have = ParseInt64(value);
      const int64_t mask = ParseInt64(node.value).value_or(0);
      if (!have) return false;
      return node.kind == Kind::kAllBits ? (*have & mask) == mask : (*have & mask) != 0;
    }
    case Kind::kAnd:
    case Kind::kOr:
    case Kind::kNot:
      return false;  // not values
  }
  return false;
}

}  // namespace driftwarden::directory
