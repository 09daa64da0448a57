// msDS-ReplAttributeMetaData: one DS_REPL_ATTR_META_DATA element a value, flat, without attributes.
// No XML library: what is not this exact shape is refused.

#include <cstdint>
#include <map>
#include <utility>

#include "base/strings.h"
#include "base/time.h"
#include "watchers/directory/replication_metadata.h"

namespace driftwarden::directory {
namespace {

constexpr size_t kMaxValue = 8 * 1024;
constexpr size_t kMaxValues = 10'000;
constexpr size_t kMaxFields = 32;
constexpr std::string_view kRoot = "DS_REPL_ATTR_META_DATA";

using Fields = std::map<std::string, std::string, std::less<>>;

Status Bad(std::string_view what) {
  return DataLossError(Cat("replication metadata in XML: ", what));
}

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Reads a text from its front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  void SkipBlanks() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\n' ||
                              rest_[0] == '\r' || rest_[0] == '\0')) {
      rest_.remove_prefix(1);
    }
  }
  bool Take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  std::string_view Name() {
    size_t length = 0;
    while (length < rest_.size() && IsNameByte(rest_[length])) ++length;
    return Cut(length);
  }
  // Up to the next tag.
  std::string_view Text() { return Cut(std::min(rest_.find('<'), rest_.size())); }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view Cut(size_t length) {
    const std::string_view cut = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return cut;
  }

  std::string_view rest_;
};

// <name>text</name>, or <name/>.
Status ReadField(Scanner& in, Fields& fields) {
  if (!in.Take("<")) return Bad("an element is missing");
  const std::string name(in.Name());
  if (name.empty()) return Bad("an element without a name");
  std::string text;
  if (!in.Take("/>")) {
    if (!in.Take(">")) return Bad(Cat("the tag ", name, " is no plain one"));
    text = in.Text();
    if (!in.Take("</") || in.Name() != name || !in.Take(">")) {
      return Bad(Cat(name, " does not end as it began"));
    }
  }
  if (!fields.emplace(name, std::move(text)).second) return Bad(Cat(name, " stands there twice"));
  if (fields.size() > kMaxFields) return Bad("too many elements");
  return OkStatus();
}

StatusOr<Fields> ReadValue(std::string_view value) {
  if (value.size() > kMaxValue) return Bad(Cat("a value of ", value.size(), " bytes"));
  Scanner in(value);
  in.SkipBlanks();
  if (!in.Take("<") || in.Name() != kRoot || !in.Take(">")) return Bad("the root is another one");
  Fields fields;
  in.SkipBlanks();
  while (!in.Take("</")) {
    DW_RETURN_IF_ERROR(ReadField(in, fields));
    in.SkipBlanks();
  }
  if (in.Name() != kRoot || !in.Take(">")) return Bad("the root does not end");
  in.SkipBlanks();
  if (!in.empty()) return Bad("something follows the root");
  return fields;
}

StatusOr<std::string> FieldOf(const Fields& fields, std::string_view name) {
  const auto found = fields.find(name);
  if (found == fields.end()) return Bad(Cat(name, " is missing"));
  return found->second;
}

std::optional<monitor::MetadataStamp>* Wanted(AccountStamps& stamps, std::string_view attribute) {
  if (EqualsIgnoreCase(attribute, "userAccountControl")) return &stamps.user_account_control;
  if (EqualsIgnoreCase(attribute, "pwdLastSet")) return &stamps.password_last_set;
  if (EqualsIgnoreCase(attribute, "accountExpires")) return &stamps.account_expires;
  if (EqualsIgnoreCase(attribute, "isDeleted")) return &stamps.is_deleted;
  return nullptr;
}

StatusOr<monitor::MetadataStamp> StampOf(const Fields& fields) {
  DW_ASSIGN_OR_RETURN(const std::string version, FieldOf(fields, "dwVersion"));
  DW_ASSIGN_OR_RETURN(const std::string at, FieldOf(fields, "ftimeLastOriginatingChange"));
  DW_ASSIGN_OR_RETURN(const std::string origin,
                      FieldOf(fields, "uuidLastOriginatingDsaInvocationID"));
  DW_ASSIGN_OR_RETURN(const std::string usn, FieldOf(fields, "usnOriginatingChange"));
  monitor::MetadataStamp stamp;
  const auto number = ParseUint64(version);
  if (!number || *number > UINT32_MAX) return Bad("dwVersion is no version");
  stamp.version = static_cast<uint32_t>(*number);
  const auto time = ParseRfc3339(at);
  if (!time) return Bad("ftimeLastOriginatingChange is no time");
  stamp.originating_time = *time;
  const auto guid = monitor::Guid::Parse(origin);
  if (!guid) return Bad("uuidLastOriginatingDsaInvocationID is no GUID");
  stamp.invocation_id = *guid;
  const auto originating = ParseUint64(usn);
  if (!originating) return Bad("usnOriginatingChange is no number");
  stamp.originating_usn = *originating;
  return stamp;
}

}  // namespace

StatusOr<AccountStamps> DecodeReplicationXml(const std::vector<std::string>& values) {
  if (values.size() > kMaxValues) return Bad(Cat(values.size(), " values"));
  AccountStamps stamps;
  for (const std::string& value : values) {
    DW_ASSIGN_OR_RETURN(const Fields fields, ReadValue(value));
    DW_ASSIGN_OR_RETURN(const std::string attribute, FieldOf(fields, "pszAttributeName"));
    std::optional<monitor::MetadataStamp>* const slot = Wanted(stamps, attribute);
    if (slot == nullptr) continue;
    if (slot->has_value()) return Bad(Cat("attribute ", Printable(attribute, 40), " twice"));
    DW_ASSIGN_OR_RETURN(*slot, StampOf(fields));
  }
  return stamps;
}

}  // namespace driftwarden::directory
