#include "tests/tidy/source.h"

#include <algorithm>
#include <utility>

namespace driftwarden::tidy {
namespace {

bool Blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Where the literal or comment that starts at `at` ends; `at` itself when none starts there.
size_t EndOfBlankable(std::string_view text, size_t at) {
  const auto end_of = [&text](std::string_view mark, size_t from) {
    const size_t found = text.find(mark, from);
    return found == std::string_view::npos ? text.size() : found + mark.size();
  };
  if (text.substr(at, 2) == "//") return std::min(text.find('\n', at), text.size());
  if (text.substr(at, 2) == "/*") return end_of("*/", at + 2);
  if (text[at] == '"' && at > 0 && text[at - 1] == 'R') {
    const size_t open = text.find('(', at);
    if (open == std::string_view::npos) return text.size();
    return end_of(")" + std::string(text.substr(at + 1, open - at - 1)) + "\"", open);
  }
  // A quote inside a number (1'000) separates digits.
  const bool separator = text[at] == '\'' && at > 0 && IsWordChar(text[at - 1]);
  if (text[at] != '"' && (text[at] != '\'' || separator)) return at;
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == text[at] || text[i] == '\n') {
      return i + 1;
    }
  }
  return text.size();
}

std::string BlankOut(std::string_view text) {
  std::string code(text);
  for (size_t at = 0; at < text.size();) {
    const size_t end = EndOfBlankable(text, at);
    if (end == at) {
      ++at;
      continue;
    }
    const bool literal = text[at] != '/';
    for (size_t i = at; i < end; ++i) {
      const bool quote = literal && (i == at || i + 1 == end);
      if (text[i] != '\n' && !quote) code[i] = ' ';
    }
    at = end;
  }
  return code;
}

}  // namespace

Source::Source(std::string file, std::string content)
    : path(std::move(file)), text(std::move(content)), code(BlankOut(text)) {}

std::vector<Include> IncludesOf(const Source& source) {
  std::vector<Include> out;
  const std::string_view mark = "#include ";
  for (size_t at = source.code.find(mark); at != std::string::npos;
       at = source.code.find(mark, at + 1)) {
    const size_t open = at + mark.size();
    if (open >= source.text.size()) break;
    const bool quoted = source.text[open] == '"';
    const size_t close = source.text.find(quoted ? '"' : '>', open + 1);
    if (close == std::string::npos) break;
    out.push_back(
        {source.text.substr(open + 1, close - open - 1), quoted, LineOf(source.text, at)});
  }
  return out;
}

size_t LineOf(std::string_view text, size_t position) {
  return 1 + static_cast<size_t>(std::count(text.begin(), text.begin() + position, '\n'));
}

bool IsWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

size_t FindWord(std::string_view code, std::string_view word, size_t from) {
  for (size_t at = code.find(word, from); at != std::string_view::npos;
       at = code.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool starts = at == 0 || !IsWordChar(code[at - 1]) || !IsWordChar(word.front());
    const bool ends = end >= code.size() || !IsWordChar(code[end]) || !IsWordChar(word.back());
    if (starts && ends) return at;
  }
  return std::string_view::npos;
}

size_t MatchingBracket(std::string_view code, size_t open) {
  int depth = 0;
  for (size_t at = open; at < code.size(); ++at) {
    if (code[at] == '(' || code[at] == '[' || code[at] == '{') ++depth;
    if (code[at] == ')' || code[at] == ']' || code[at] == '}') --depth;
    if (depth == 0) return at;
  }
  return std::string_view::npos;
}

size_t PreviousVisible(std::string_view code, size_t position) {
  while (position > 0) {
    --position;
    if (!Blank(code[position])) return position;
  }
  return std::string_view::npos;
}

}  // namespace driftwarden::tidy
