#pragma once

// LDAP messages (RFC 4511) to and from bytes. liblber stays in ber.cpp.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "simulator/ldap_dirsync.h"
#include "simulator/ldap_tree.h"

namespace driftwarden::simulator {

struct LdapControl {
  std::string oid;
  bool critical = false;
  std::string value;
};

enum class LdapOperation { kBind, kUnbind, kSearch, kModify, kDelete, kAbandon, kExtended, kOther };

struct LdapMessage {
  int32_t id = 0;
  LdapOperation operation = LdapOperation::kOther;
  uint8_t tag = 0;      // of the operation, as it stands on the wire
  std::string name;     // bind DN, base, modified or deleted DN, extended OID
  int version = 3;      // bind
  bool simple = false;  // bind: by password
  std::string password;
  LdapSearchRequest::Scope scope = LdapSearchRequest::Scope::kBase;
  int size_limit = 0;
  LdapFilter filter;
  std::vector<std::string> attributes;
  bool types_only = false;
  std::vector<LdapTree::Change> changes;
  int32_t abandoned = 0;
  std::vector<LdapControl> controls;

  const LdapControl* Find(std::string_view oid) const;
};

// Bytes of the first message in `bytes`: nothing while its header is incomplete, DataLoss when it
// is no LDAP message or larger than `limit`.
StatusOr<std::optional<size_t>> LdapMessageSize(std::string_view bytes, size_t limit);
// One whole message. DataLoss on anything that does not decode.
StatusOr<LdapMessage> DecodeLdapMessage(std::string_view bytes);

// The response to an operation: bind, search done, modify, delete, extended. `extended_oid` only
// for the last.
std::string EncodeLdapResult(const LdapMessage& request, const LdapResult& result,
                             const std::vector<LdapControl>& controls = {},
                             std::string_view extended_oid = "");
std::string EncodeLdapEntry(int32_t id, const LdapEntry& entry, bool types_only);

struct PagedValue {
  int size = 0;
  std::string cookie;
};
StatusOr<PagedValue> DecodePagedValue(std::string_view bytes);
std::string EncodePagedValue(const PagedValue& value);

StatusOr<DirSyncRequest> DecodeDirSyncValue(std::string_view bytes);
std::string EncodeDirSyncValue(const DirSyncAnswer& answer);

}  // namespace driftwarden::simulator
