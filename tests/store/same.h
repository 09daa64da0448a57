#pragma once

// Deep equality of records, field by field, without a hand-written list that could forget one.

#include <concepts>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <boost/pfr.hpp>

namespace driftwarden::store {

template <typename T>
bool Same(const T& a, const T& b);
template <typename T>
bool Same(const std::vector<T>& a, const std::vector<T>& b);
template <typename T>
bool Same(const std::optional<T>& a, const std::optional<T>& b);
template <typename K, typename V>
bool Same(const std::map<K, V>& a, const std::map<K, V>& b);

template <typename T>
bool Same(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!Same(a[i], b[i])) return false;
  }
  return true;
}

template <typename T>
bool Same(const std::optional<T>& a, const std::optional<T>& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a.has_value() || Same(*a, *b);
}

template <typename K, typename V>
bool Same(const std::map<K, V>& a, const std::map<K, V>& b) {
  if (a.size() != b.size()) return false;
  for (auto i = a.begin(), j = b.begin(); i != a.end(); ++i, ++j) {
    if (!(i->first == j->first) || !Same(i->second, j->second)) return false;
  }
  return true;
}

template <typename T>
bool Same(const T& a, const T& b) {
  if constexpr (std::equality_comparable<T>) {
    return a == b;
  } else {
    bool same = true;
    const auto fields_of_b = boost::pfr::structure_tie(b);
    boost::pfr::for_each_field(a, [&](const auto& field, auto index) {
      same = same && Same(field, std::get<decltype(index)::value>(fields_of_b));
    });
    return same;
  }
}

}  // namespace driftwarden::store
