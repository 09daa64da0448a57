#include "simulator/ber.h"
#include "tests/fuzz/target.h"

namespace driftwarden::simulator {
namespace {

void TryPaged(std::string_view input) {
  const auto value = DecodePagedValue(input);
  if (!value.ok()) return;
  const auto again = DecodePagedValue(EncodePagedValue(*value));
  DW_HOLDS(again.ok() && again->size == value->size && again->cookie == value->cookie);
}

}  // namespace

// As the server does it: the size of the first message, then the message.
DW_FUZZ_TARGET(ldap_message) {
  constexpr size_t kLimit = 1 << 16;
  TryPaged(input);
  const auto size = LdapMessageSize(input, kLimit);
  DW_HOLDS(!size.ok() || !size->has_value() || **size <= kLimit + 6);
  if (!size.ok() || !size->has_value() || **size > input.size()) return;
  const auto message = DecodeLdapMessage(input.substr(0, **size));
  if (!message.ok()) {
    DW_HOLDS(absl::IsDataLoss(message.status()));
    return;
  }
  LdapEntry entry;
  entry.dn = "CN=Ada";
  entry.Add("objectClass", "user");
  entry.Add("uSNChanged", "12");
  (void)Matches(message->filter, entry);
  for (const LdapControl& control : message->controls) TryPaged(control.value);
  LdapResult result;
  result.message = message->name;
  const std::string answer = EncodeLdapResult(*message, result, message->controls);
  const auto whole = LdapMessageSize(answer, answer.size());
  DW_HOLDS(whole.ok() && whole->has_value() && **whole == answer.size());
}

}  // namespace driftwarden::simulator
