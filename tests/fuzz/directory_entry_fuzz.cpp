#include "base/bytes.h"
#include "base/strings.h"
#include "tests/fuzz/target.h"
#include "watchers/directory/observe.h"
#include "watchers/directory/schema.h"

namespace driftwarden::directory {
namespace {

// "DN", then pairs of an attribute's number and a value; lengths as in stored records.
Entry EntryFrom(std::string_view input, ObserveOptions* options) {
  ByteReader in(input);
  options->use_consistency_guid = (in.U8() & 1) == 0;
  Entry entry;
  entry.dn = in.Bytes();
  const std::vector<std::string> names = AccountAttributes();
  while (in.ok() && in.remaining() > 0) {
    const std::string name = ToLowerAscii(names[in.U8() % names.size()]);
    entry.attributes[name].push_back(in.Bytes());
  }
  return entry;
}

}  // namespace

DW_FUZZ_TARGET(directory_entry) {
  ObserveOptions options;
  const Entry entry = EntryFrom(input, &options);
  const auto view = ObserveAccount(entry, options);
  if (!view.ok()) {
    DW_HOLDS(absl::IsDataLoss(view.status()));
    return;
  }
  if (!view->has_value()) return;
  const monitor::AdView& account = **view;
  DW_HOLDS(!account.object_guid.IsZero());
  DW_HOLDS(account.object_guid.Raw() == *entry.First(kObjectGuid));
  // FILETIME counts from 1601, and "never" is a value of its own.
  DW_HOLDS(!account.account_expires ||
           *account.account_expires >= absl::FromUnixSeconds(-11644473600));
  DW_HOLDS(!account.sid || monitor::Sid::Parse(account.sid->ToString()) == account.sid);
  for (const auto& name :
       {account.sam_account_name, account.upn, account.display_name, account.dn}) {
    DW_HOLDS(!name || name->find_first_of(std::string_view("\0\n\r\x1b", 4)) == std::string::npos);
  }
  if (account.user_account_control && !account.deleted.value_or(false)) {
    DW_HOLDS(account.admin_count.has_value() && account.consistency_guid.has_value());
  }
}

}  // namespace driftwarden::directory
