#include "daemon/leaver_file.h"

#include <map>
#include <optional>
#include <utility>

#include "base/csv.h"
#include "base/strings.h"
#include "base/time.h"

namespace driftwarden::daemon {
namespace {

constexpr size_t kFaultsKept = 20;
constexpr char kHeader[] = "write the header identifier,effective,urgency[,reference]";

struct Columns {
  std::optional<size_t> identifier, effective, urgency, reference;
  size_t count = 0;
};

void AddFault(LeaverFile& file, size_t line, std::string_view what) {
  if (file.faults.size() < kFaultsKept) file.faults.push_back(Cat(line, ": ", what));
}

// Empty when the header names what is needed and nothing else.
std::string ReadHeader(const CsvReader::Record& record, Columns* columns) {
  if (!record.fault.empty()) return record.fault;
  columns->count = record.fields.size();
  for (size_t i = 0; i < record.fields.size(); ++i) {
    const std::string name = ToLowerAscii(TrimAscii(record.fields[i]));
    std::optional<size_t>* place = name == "identifier"  ? &columns->identifier
                                   : name == "effective" ? &columns->effective
                                   : name == "urgency"   ? &columns->urgency
                                   : name == "reference" ? &columns->reference
                                                         : nullptr;
    if (place == nullptr) return Cat("column ", i + 1, " has an unknown name");
    if (place->has_value()) return Cat("column ", i + 1, " has the name of another one");
    *place = i;
  }
  if (!columns->identifier || !columns->effective || !columns->urgency) {
    return "a column is missing";
  }
  return "";
}

std::string ReadRow(const CsvReader::Record& record, const Columns& columns, LeaverRow* row) {
  if (!record.fault.empty()) return record.fault;
  if (record.fields.size() != columns.count) {
    return Cat(record.fields.size(), " fields instead of ", columns.count,
               "; quote a field that holds a comma");
  }
  row->line = record.line;
  row->identifier = std::string(TrimAscii(record.fields[*columns.identifier]));
  const auto effective = ParseRfc3339(TrimAscii(record.fields[*columns.effective]));
  if (!effective) return "effective is no moment; write it like 2027-01-31T17:00:00Z";
  row->effective = *effective;
  const auto urgency = monitor::ParseLeaveUrgency(TrimAscii(record.fields[*columns.urgency]));
  if (!urgency) return "urgency is none of planned, immediate, compromise; write one of them";
  row->urgency = *urgency;
  if (columns.reference) {
    row->reference = std::string(TrimAscii(record.fields[*columns.reference]));
  }
  return "";
}

}  // namespace

LeaverFile ParseLeavers(std::string_view text, absl::Time now) {
  LeaverFile file;
  CsvReader reader(text);
  CsvReader::Record record;
  Columns columns;
  const bool any = text.size() <= kMostLeaverBytes && reader.Next(&record);
  std::string fault = text.size() > kMostLeaverBytes ? Cat("more than ", kMostLeaverBytes, " bytes")
                      : any                          ? ReadHeader(record, &columns)
                                                     : "the file is empty";
  if (!fault.empty()) {
    AddFault(file, 1, Cat(fault, "; ", kHeader));
    file.unusable = true;
    return file;
  }
  std::map<std::string, size_t> lines;  // of identifiers
  while (reader.Next(&record)) {
    LeaverRow row;
    fault = ReadRow(record, columns, &row);
    if (fault.empty() && row.effective < now - monitor::kLongestPastLeave) {
      ++file.past;
      continue;
    }
    monitor::ExpectedLeave leave;
    leave.identifier = row.identifier;
    leave.effective = row.effective;
    leave.reference = row.reference;
    if (fault.empty()) fault = std::string(Message(monitor::CheckLeave(leave, now)));
    if (fault.empty()) {
      const auto [known, fresh] = lines.emplace(ToLowerAscii(row.identifier), record.line);
      if (!fresh) fault = Cat("the identifier of line ", known->second, "; keep one of the lines");
    }
    if (fault.empty() && file.rows.size() == kMostLeaverRows) {
      AddFault(file, record.line,
               Cat("more than ", kMostLeaverRows, " people; leave out old ones"));
      file.unusable = true;
      file.rows.clear();
      return file;
    }
    if (fault.empty()) {
      file.rows.push_back(std::move(row));
    } else {
      ++file.bad;
      AddFault(file, record.line, fault);
    }
  }
  return file;
}

}  // namespace driftwarden::daemon
