#pragma once

// What to do about each alert: the pages of docs/runbooks, part of the program (the .cpp is written
// by cmake/embed_runbooks.cmake), so that the links in alerts lead to the version that sent them.

#include <span>
#include <string_view>

namespace driftwarden::daemon {

struct Runbook {
  std::string_view name;  // an alert's kind or cause: disable_lag, guard-tripped
  std::string_view text;  // Markdown
};

// In order of name.
std::span<const Runbook> Runbooks();

}  // namespace driftwarden::daemon
