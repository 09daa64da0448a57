#include "base/csv.h"

#include <utility>

namespace driftwarden {

CsvReader::CsvReader(std::string_view text) : text_(text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
}

bool CsvReader::AtLineEnd() const {
  if (at_ >= text_.size() || text_[at_] == '\n') return true;
  return text_[at_] == '\r' && (at_ + 1 == text_.size() || text_[at_ + 1] == '\n');
}

void CsvReader::TakeLineEnd() {
  if (at_ < text_.size() && text_[at_] == '\r') ++at_;
  if (at_ < text_.size()) ++at_;
  ++line_;
}

void CsvReader::SkipLineFrom(size_t start, size_t line) {
  const size_t end = text_.find('\n', start);
  at_ = end == std::string_view::npos ? text_.size() : end + 1;
  line_ = line + 1;
}

// False: the record is faulty.
bool CsvReader::ReadField(std::string* field, std::string* fault) {
  const bool quoted = at_ < text_.size() && text_[at_] == '"';
  if (!quoted) {
    while (!AtLineEnd() && text_[at_] != ',') {
      if (text_[at_] == '"') {
        *fault = "a quote inside a field without quotes; quote the field and double the quote";
        return false;
      }
      field->push_back(text_[at_++]);
    }
    return true;
  }
  ++at_;
  while (at_ < text_.size()) {
    const char c = text_[at_++];
    if (c == '\n') ++line_;
    if (c != '"') {
      field->push_back(c);
      continue;
    }
    if (at_ < text_.size() && text_[at_] == '"') {
      field->push_back('"');
      ++at_;
      continue;
    }
    if (AtLineEnd() || text_[at_] == ',') return true;
    *fault = "text behind a closing quote; double a quote that belongs to the field";
    return false;
  }
  *fault = "a quote that is never closed";
  return false;
}

bool CsvReader::Next(Record* record) {
  while (at_ < text_.size() && AtLineEnd()) TakeLineEnd();
  if (at_ >= text_.size()) return false;
  const size_t start = at_;
  *record = Record();
  record->line = line_;
  while (true) {
    std::string field;
    if (!ReadField(&field, &record->fault)) {
      record->fields.clear();
      SkipLineFrom(start, record->line);
      return true;
    }
    record->fields.push_back(std::move(field));
    if (AtLineEnd()) {
      TakeLineEnd();
      return true;
    }
    ++at_;  // the comma
  }
}

}  // namespace driftwarden
