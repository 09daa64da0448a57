#pragma once

// LDAP search filters as text (RFC 4515), evaluated by us on entries that were read: a scope must
// not stand in the query for changes, or who leaves it would simply be gone. Pure and total.
//
// As in Active Directory an assertion on an attribute that is not there is false, so that its
// negation is true. Text is compared without regard to case, numbers by value. Of the matching
// rules those for bits are known, 1.2.840.113556.1.4.803 (and) and .804 (or); approximate matching,
// DN attributes and other rules are refused.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "watchers/directory/session.h"

namespace driftwarden::directory {

class Filter {
 public:
  // InvalidArgument: what is wrong; `*at` is then the byte it is wrong at. At most 16 KiB, 1000
  // conditions and 32 levels.
  static StatusOr<Filter> Parse(std::string_view text, size_t* at);

  bool Matches(const Entry& entry) const;
  // What it looks at: as written, each once.
  const std::vector<std::string>& attributes() const { return attributes_; }

 private:
  friend class FilterParser;
  enum class Kind {
    kAnd,
    kOr,
    kNot,
    kEqual,
    kPresent,
    kAtLeast,
    kAtMost,
    kPieces,
    kAllBits,
    kAnyBit
  };
  struct Node {
    Kind kind = Kind::kPresent;
    std::string attribute;  // lower case
    std::string value;      // unescaped
    std::vector<std::string>
        pieces;  // kPieces: first, ..., last; the ends may be empty; lower case
    std::vector<Node> children;
  };
  static bool Holds(const Node& node, const Entry& entry);
  static bool ValueHolds(const Node& node, std::string_view value);

  Node root_;
  std::vector<std::string> attributes_;
};

}  // namespace driftwarden::directory
