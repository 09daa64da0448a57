#include "simulator/ldap_filter.h"
#include "tests/fuzz/target.h"

namespace driftwarden::simulator {

DW_FUZZ_TARGET(ldap_filter) {
  const auto filter = ParseLdapFilter(input);
  if (!filter.ok()) {
    DW_HOLDS(absl::IsInvalidArgument(filter.status()));
    return;
  }
  LdapEntry entry;
  entry.dn = "CN=Ada,DC=corp,DC=example";
  entry.Add("objectClass", "user");
  entry.Add("objectClass", "person");
  entry.Add("uSNChanged", "12");
  entry.Add("sAMAccountName", "ada");
  entry.Add("objectCategory", "CN=Person,CN=Schema,DC=corp,DC=example");
  entry.Add("objectSid", std::string("\1\1\0\0\0\0\0\5\22\0\0\0", 12));
  LdapFilter negated;
  negated.kind = LdapFilter::Kind::kNot;
  negated.children.push_back(*filter);
  DW_HOLDS(Matches(negated, entry) != Matches(*filter, entry));
}

}  // namespace driftwarden::simulator
