#pragma once

// A YAML node with its place, for strict reading: every key must be taken by somebody, and every
// fault is collected with file, line and column. Included by config*.cpp only.

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "base/units.h"

namespace driftwarden::daemon {

class Faults {
 public:
  explicit Faults(std::string path) : path_(std::move(path)) {}
  void Add(const YAML::Mark& mark, std::string_view what) {
    // yaml-cpp counts from 0, people from 1; a null mark stands for the file as a whole.
    const int line = mark.is_null() ? 1 : mark.line + 1;
    const int column = mark.is_null() ? 1 : mark.column + 1;
    // Keys, names and parser messages bring text of the file: each fault stays one printable line.
    faults_.emplace_back(std::make_pair(line, column),
                         Cat(path_, ":", line, ":", column, ": ", Printable(what, 2000)));
  }
  bool empty() const { return faults_.empty(); }
  std::string Text() {
    std::stable_sort(faults_.begin(), faults_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::string> lines;
    for (const auto& [place, text] : faults_) lines.push_back(text);
    return JoinStrings(lines, "\n");
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<std::pair<std::pair<int, int>, std::string>> faults_;
};

// One mapping. Take what is known, then Finish() complains about the rest.
class MapReader {
 public:
  MapReader(const YAML::Node& node, std::string where, Faults& faults)
      : MapReader(node, std::move(where), node.Mark(), faults) {}

  // `mark`: where faults of a mapping that is not there are told.
  MapReader(const YAML::Node& node, std::string where, const YAML::Mark& mark, Faults& faults)
      : node_(node), where_(std::move(where)), mark_(mark), faults_(faults) {
    if (node_.IsDefined() && !node_.IsNull() && !node_.IsMap()) {
      faults_.Add(mark_, Cat(Name(), " must be a mapping of keys to values"));
      node_.reset();  // an assignment would write into the document, through every alias
    }
  }

  // The node of a key, or nothing when it is absent or null ("key:" alone means: the default).
  std::optional<YAML::Node> Take(const std::string& key) {
    known_.insert(key);
    if (!node_.IsMap()) return std::nullopt;
    // Through a const node: yaml-cpp's operator[] on a mutable one would add the key.
    const YAML::Node& fixed = node_;
    YAML::Node value = fixed[key];
    if (!value.IsDefined() || value.IsNull()) return std::nullopt;
    return value;
  }

  MapReader Map(const std::string& key) {
    auto value = Take(key);
    return MapReader(value.value_or(YAML::Node()), Path(key), value ? value->Mark() : mark_,
                     faults_);
  }

  void Text(const std::string& key, std::string* out) {
    if (const auto value = Scalar(key)) *out = value->Scalar();
  }

  void Require(const std::string& key, std::string* out, std::string_view example) {
    Text(key, out);
    if (out->empty()) {
      faults_.Add(mark_, Cat(Path(key), " is missing; add ", key, ": ", example));
    }
  }

  void Flag(const std::string& key, bool* out) {
    const auto value = Scalar(key);
    if (!value) return;
    if (value->Scalar() == "true" || value->Scalar() == "false") {
      *out = value->Scalar() == "true";
    } else {
      Wrong(key, *value, "true or false");
    }
  }

  void Integer(const std::string& key, int least, int most, int* out) {
    const auto value = Scalar(key);
    if (!value) return;
    const auto number = ParseInt64(value->Scalar());
    if (number && *number >= least && *number <= most) {
      *out = static_cast<int>(*number);
    } else {
      Wrong(key, *value, Cat("a whole number from ", least, " to ", most));
    }
  }

  void Number(const std::string& key, double least, double most, double* out) {
    const auto value = Scalar(key);
    if (!value) return;
    double number = 0;
    if (YAML::convert<double>::decode(*value, number) && number >= least && number <= most) {
      *out = number;
    } else {
      Wrong(key, *value, Cat("a number from ", least, " to ", most));
    }
  }

  // Durations from 200 ms up; `zero_allowed`: 0s switches the wait off.
  void Duration(const std::string& key, bool zero_allowed, absl::Duration* out) {
    std::optional<absl::Duration> value;
    Duration(key, zero_allowed, &value);
    if (value) *out = *value;
  }

  void Duration(const std::string& key, bool zero_allowed, std::optional<absl::Duration>* out) {
    const auto value = Scalar(key);
    if (!value) return;
    const auto parsed = ParseDuration(value->Scalar());
    if (!parsed.ok()) {
      faults_.Add(value->Mark(), Cat(Path(key), ": ", Message(parsed.status())));
    } else if (*parsed < absl::Milliseconds(200) &&
               !(zero_allowed && *parsed == absl::ZeroDuration())) {
      Wrong(key, *value,
            zero_allowed ? "0s to switch it off, or at least 200ms" : "at least 200ms");
    } else {
      *out = *parsed;
    }
  }

  // One of `words`; returns its index.
  std::optional<size_t> Choice(const std::string& key, const std::vector<std::string>& words) {
    const auto value = Scalar(key);
    if (!value) return std::nullopt;
    const auto found = std::find(words.begin(), words.end(), value->Scalar());
    if (found != words.end()) return static_cast<size_t>(found - words.begin());
    Wrong(key, *value, Cat("one of ", JoinStrings(words, ", ")));
    return std::nullopt;
  }

  void Texts(const std::string& key, std::vector<std::string>* out) {
    Each(key, [&](const YAML::Node& item) {
      if (item.IsScalar()) {
        out->push_back(item.Scalar());
      } else {
        faults_.Add(item.Mark(), Cat(Path(key), " must be a list of texts"));
      }
    });
  }

  void Each(const std::string& key, const std::function<void(const YAML::Node&)>& visit) {
    const auto value = Take(key);
    if (!value) return;
    if (!value->IsSequence()) {
      faults_.Add(value->Mark(), Cat(Path(key), " must be a list; write [a, b] or lines of - a"));
      return;
    }
    for (const auto& item : *value) visit(item);
  }

  // A key whose feature is not in this version: said plainly when it is set to anything.
  void NotYet(const std::string& key, std::string_view what) {
    const auto value = Take(key);
    if (!value || (value->IsSequence() && value->size() == 0) ||
        (value->IsMap() && value->size() == 0)) {
      return;
    }
    faults_.Add(value->Mark(), Cat(Path(key), ": ", what, " is not in this version; remove it"));
  }

  void Finish() {
    if (!node_.IsMap()) return;
    for (const auto& entry : node_) {
      if (!entry.first.IsScalar() || known_.contains(entry.first.Scalar())) continue;
      faults_.Add(entry.first.Mark(),
                  Cat("unknown key ", Path(Printable(entry.first.Scalar(), 60)), "; ", Hint()));
    }
    std::set<std::string> seen;
    for (const auto& entry : node_) {
      if (entry.first.IsScalar() && !seen.insert(entry.first.Scalar()).second) {
        faults_.Add(entry.first.Mark(), Cat(Path(entry.first.Scalar()), " stands here twice"));
      }
    }
  }

  void Wrong(const std::string& key, const YAML::Node& value, std::string_view wanted) {
    faults_.Add(value.Mark(), Cat(Path(key), " is ",
                                  value.IsScalar() ? Cat("\"", Printable(value.Scalar(), 60), "\"")
                                                   : std::string("not a single value"),
                                  "; it must be ", wanted));
  }

  // The place of a key's value; of the mapping itself when the key is not there.
  YAML::Mark MarkOf(const std::string& key) {
    const auto value = Take(key);
    return value ? value->Mark() : mark_;
  }
  std::string Path(const std::string& key) const {
    return where_.empty() ? key : Cat(where_, ".", key);
  }
  const YAML::Mark& Mark() const { return mark_; }
  Faults& faults() { return faults_; }
  const YAML::Node& node() const { return node_; }

 private:
  std::optional<YAML::Node> Scalar(const std::string& key) {
    auto value = Take(key);
    if (value && !value->IsScalar()) {
      Wrong(key, *value, "a single value");
      return std::nullopt;
    }
    return value;
  }
  std::string Name() const { return where_.empty() ? "the file" : where_; }
  std::string Hint() const {
    return Cat("known here: ",
               JoinStrings(std::vector<std::string>(known_.begin(), known_.end()), ", "));
  }

  YAML::Node node_;
  std::string where_;
  YAML::Mark mark_;
  Faults& faults_;
  std::set<std::string> known_;
};

}  // namespace driftwarden::daemon
