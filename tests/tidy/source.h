#pragma once

// A source file as the tidy rules see it, and the small scanning functions they share. Plain text
// scanning on purpose: it needs no compiler, runs in milliseconds and is easy to reason about.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace driftwarden::tidy {

struct Source {
  std::string path;  // relative to the repository, with forward slashes
  std::string text;
  std::string code;  // same length and lines as text; comments and literals' contents are blanks

  Source(std::string file, std::string content);
  bool IsHeader() const { return path.ends_with(".h"); }
  bool IsCpp() const { return path.ends_with(".cpp") || IsHeader(); }
};

struct Finding {
  std::string path;
  size_t line;
  std::string what;  // what is wrong and what to write instead
};

struct Include {
  std::string name;  // what stands between the quotes or brackets
  bool quoted;
  size_t line;
};

std::vector<Include> IncludesOf(const Source& source);
size_t LineOf(std::string_view text, size_t position);  // the first line is 1
bool IsWordChar(char c);
// The position of the next `word` at or after `from` with no word character on either side.
size_t FindWord(std::string_view code, std::string_view word, size_t from);
// The position of the bracket that closes the one at `open`, or npos.
size_t MatchingBracket(std::string_view code, size_t open);
// The last character before `position` that is not white space, or npos.
size_t PreviousVisible(std::string_view code, size_t position);

}  // namespace driftwarden::tidy
