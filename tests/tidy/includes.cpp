#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/rules.h"

namespace driftwarden::tidy {
namespace {

struct Module {
  std::string_view folder;
  std::string_view may_use;  // words; its own folder needs no mention
};

// The architecture as a table, lowest level first. `daemon` alone composes and may use everything.
// The simulator must not share the monitor's beliefs, so it sees none of its types.
constexpr std::array<Module, 13> kModules = {{
    {"base", ""},
    {"base/async", "base"},
    {"monitor", "base"},
    {"net", "base base/async"},
    {"store", "base monitor"},
    {"metrics", "base"},
    {"watchers/directory", "base base/async monitor"},
    {"watchers/graph", "base base/async monitor net"},
    {"watchers", "base base/async monitor metrics watchers/directory watchers/graph"},
    {"alerts", "base base/async monitor net metrics"},
    // `watchers` for its port of direct reads, which come before every action.
    {"remediation", "base base/async monitor metrics watchers watchers/directory watchers/graph"},
    {"simulator", "base base/async net"},
    {"daemon",
     "base base/async monitor net store metrics watchers watchers/directory watchers/graph alerts "
     "remediation simulator"},
}};

struct Heavy {
  std::string_view header;   // how the include begins
  std::string_view allowed;  // words: the paths that may include it; a * stands for anything
};

// Dear to compile, or a library that throws: seen in these files and nowhere else. Tests are free.
constexpr std::array<Heavy, 19> kHeavy = {{
    {"boost/beast", "net/http_*.cpp"},
    {"boost/asio/ssl", "net/*.cpp"},
    {"spdlog/", "base/log.cpp"},
    {"simdjson", "watchers/graph/json*.cpp"},
    {"rocksdb/", "store/rocks_*.cpp store/rocks_options.h"},
    {"store/rocks_options.h", "store/rocks_*.cpp"},
    {"prometheus/", "metrics/registry.cpp"},
    {"CLI/", "daemon/cli*.cpp"},
    {"yaml-cpp/", "daemon/config*.cpp daemon/config_node.h"},
    {"daemon/config_node.h", "daemon/config*.cpp daemon/config_sections.h"},
    {"ldap.h", "watchers/directory/*openldap*.cpp"},
    {"lber.h", "watchers/directory/*openldap*.cpp simulator/*ber*.cpp"},
    {"krb5", "watchers/directory/kerberos*.cpp"},
    {"profile.h", "watchers/directory/kerberos*.cpp"},
    {"gssapi/", "watchers/directory/*openldap*.cpp"},
    {"sasl/", "watchers/directory/*openldap*.cpp"},
    {"zlib.h", "net/gzip.cpp"},
    {"regex", "*.cpp"},
    {"iostream", "*.cpp"},
}};

// No coroutine may be reached from these: they are called with values and answer with values.
constexpr std::string_view kWithoutAsio = "base monitor store metrics";

bool HasWord(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const size_t end = words.find(' ');
    if (words.substr(0, end) == word) return true;
    if (end == std::string_view::npos) break;
    words.remove_prefix(end + 1);
  }
  return false;
}

bool MatchesGlob(std::string_view path, std::string_view pattern) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return path == pattern;
  if (!path.starts_with(pattern.substr(0, star))) return false;
  path.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  for (size_t skip = 0; skip <= path.size(); ++skip) {
    if (MatchesGlob(path.substr(skip), pattern)) return true;
  }
  return false;
}

bool MatchesAny(std::string_view path, std::string_view patterns) {
  while (true) {
    const size_t end = patterns.find(' ');
    if (MatchesGlob(path, patterns.substr(0, end))) return true;
    if (end == std::string_view::npos) return false;
    patterns.remove_prefix(end + 1);
  }
}

// The module of a path: the longest folder of the table that holds it.
const Module* ModuleOf(std::string_view path) {
  const Module* best = nullptr;
  for (const Module& module : kModules) {
    const bool inside = path.starts_with(module.folder) && path.size() > module.folder.size() &&
                        path[module.folder.size()] == '/';
    if (inside && (best == nullptr || module.folder.size() > best->folder.size())) best = &module;
  }
  return best;
}

bool IsTest(std::string_view path) {
  return path.starts_with("tests/") || path.starts_with("bench/");
}

}  // namespace

std::vector<Finding> CheckIncludes(const Source& source) {
  std::vector<Finding> out;
  const Module* own = ModuleOf(source.path);
  const auto report = [&](const Include& include, std::string what) {
    out.push_back({source.path, include.line, std::move(what)});
  };
  const std::vector<Include> includes = IncludesOf(source);
  for (const Include& include : includes) {
    const Module* used = ModuleOf(include.name);
    if (include.quoted && own != nullptr && used != nullptr && used != own &&
        !HasWord(own->may_use, used->folder)) {
      report(include, std::string(own->folder) + " may not use " + std::string(used->folder) +
                          " (" + include.name + "); it may use: " + std::string(own->may_use));
    }
    if (include.quoted && include.name.starts_with("tests/") && !IsTest(source.path)) {
      report(include, "the product may not include a test's header");
    }
    for (const Heavy& heavy : kHeavy) {
      const bool whole = heavy.header == "regex" || heavy.header == "iostream";
      const bool hit =
          whole ? include.name == heavy.header : include.name.starts_with(heavy.header);
      const bool free = IsTest(source.path) && !source.IsHeader();
      if (hit && !free && !MatchesAny(source.path, heavy.allowed)) {
        report(include, "<" + include.name + "> belongs only in " + std::string(heavy.allowed));
      }
    }
    if (own != nullptr && HasWord(kWithoutAsio, own->folder) &&
        include.name.starts_with("boost/asio")) {
      report(include, std::string(own->folder) + " is free of Asio");
    }
  }
  return out;
}

}  // namespace driftwarden::tidy
