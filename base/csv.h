#pragma once

// Reads CSV as RFC 4180 has it, and as spreadsheets write it: LF as well as CRLF, a UTF-8 byte
// order mark before everything. No thread; the text must outlive the reader.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace driftwarden {

class CsvReader {
 public:
  explicit CsvReader(std::string_view text);

  struct Record {
    size_t line = 0;  // of its first character, from 1
    std::vector<std::string> fields;
    std::string fault;  // what is wrong with it; its fields are worth nothing then
  };
  // False at the end. Lines without any character are passed over. After a fault reading goes on
  // with the line behind the one on which the record began.
  bool Next(Record* record);

 private:
  bool ReadField(std::string* field, std::string* fault);
  void SkipLineFrom(size_t start, size_t line);
  bool AtLineEnd() const;
  void TakeLineEnd();

  std::string_view text_;
  size_t at_ = 0;
  size_t line_ = 1;
};

}  // namespace driftwarden
