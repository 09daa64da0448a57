#include "simulator/ber.h"

#include <lber.h>

#include <memory>
#include <string>

#include "base/strings.h"

namespace driftwarden::simulator {
namespace {

constexpr ber_tag_t kBindRequest = 0x60, kUnbindRequest = 0x42, kSearchRequest = 0x63,
                    kModifyRequest = 0x66, kDeleteRequest = 0x4a, kAbandonRequest = 0x50,
                    kExtendedRequest = 0x77, kControls = 0xa0, kSimple = 0x80;
constexpr int kMaxFilterDepth = 32;

struct BerFree {
  void operator()(BerElement* ber) const { ber_free(ber, 1); }
};
using Ber = std::unique_ptr<BerElement, BerFree>;

std::string ToString(const berval& value) {
  return {value.bv_val, value.bv_len};
}

Ber OpenBer(std::string_view bytes) {
  // liblber reads through a null pointer when there is nothing at all.
  if (bytes.empty()) return nullptr;
  // ber_init copies; liblber's interface is not const-correct.
  berval value{bytes.size(), const_cast<char*>(bytes.data())};
  return Ber(ber_init(&value));
}

std::string Flatten(const Ber& ber) {
  berval* flat = nullptr;
  if (ber_flatten(ber.get(), &flat) != 0) return "";
  std::string bytes = ToString(*flat);
  ber_bvfree(flat);
  return bytes;
}

void PutString(const Ber& ber, std::string_view text) {
  ber_put_ostring(ber.get(), text.data(), text.size(), LBER_OCTETSTRING);
}

Status Bad(std::string_view what) {
  return DataLossError(Cat("LDAP message: ", what));
}

// Reads one string whatever its tag.
bool GetString(BerElement* ber, std::string& out) {
  berval value{};
  if (ber_scanf(ber, "m", &value) == LBER_ERROR) return false;
  out = ToString(value);
  return true;
}

// Calls `read` for each element of the sequence or set that comes next; false when it is broken.
template <typename Read>
bool ForEachElement(BerElement* ber, Read read) {
  ber_len_t length = 0;
  char* last = nullptr;
  for (ber_tag_t tag = ber_first_element(ber, &length, &last); tag != LBER_DEFAULT;
       tag = ber_next_element(ber, &length, last)) {
    if (tag == LBER_ERROR || !read(tag)) return false;
  }
  return true;
}

bool ReadFilter(BerElement* ber, LdapFilter& filter, int depth);

bool ReadSubstrings(BerElement* ber, LdapFilter& filter) {
  std::string name;
  if (ber_scanf(ber, "{") == LBER_ERROR || !GetString(ber, name)) return false;
  filter.kind = LdapFilter::Kind::kSubstrings;
  filter.attribute = ToLowerAscii(name);
  filter.pieces = {""};
  bool has_final = false;
  const bool whole = ForEachElement(ber, [&](ber_tag_t tag) {
    std::string piece;
    if (!GetString(ber, piece)) return false;
    if (tag == 0x80) {
      filter.pieces.front() = piece;
    } else {
      filter.pieces.push_back(piece);
      has_final = has_final || tag == 0x82;
    }
    return true;
  });
  if (!has_final) filter.pieces.emplace_back();
  return whole;
}

bool ReadExtensible(BerElement* ber, LdapFilter& filter) {
  std::string rule;
  const bool whole = ForEachElement(ber, [&](ber_tag_t tag) {
    std::string text;
    if (!GetString(ber, text)) return false;
    if (tag == 0x81) rule = text;
    if (tag == 0x82) filter.attribute = ToLowerAscii(text);
    if (tag == 0x83) filter.value = text;
    return true;
  });
  if (rule == kRuleBitsAll) filter.kind = LdapFilter::Kind::kBitsAll;
  if (rule == kRuleBitsAny) filter.kind = LdapFilter::Kind::kBitsAny;
  return whole;
}

bool ReadAssertion(BerElement* ber, LdapFilter::Kind kind, LdapFilter& filter) {
  std::string name;
  if (ber_scanf(ber, "{") == LBER_ERROR || !GetString(ber, name) || !GetString(ber, filter.value) ||
      ber_scanf(ber, "}") == LBER_ERROR) {
    return false;
  }
  filter.kind = kind;
  filter.attribute = ToLowerAscii(name);
  return true;
}

bool ReadFilter(BerElement* ber, LdapFilter& filter, int depth) {
  if (depth > kMaxFilterDepth) return false;
  ber_len_t length = 0;
  const ber_tag_t tag = ber_peek_tag(ber, &length);
  const auto read_child = [&](ber_tag_t) {
    return ReadFilter(ber, filter.children.emplace_back(), depth + 1);
  };
  switch (tag) {
    case 0xa0:
      filter.kind = LdapFilter::Kind::kAnd;
      return ForEachElement(ber, read_child);
    case 0xa1:
      filter.kind = LdapFilter::Kind::kOr;
      return ForEachElement(ber, read_child);
    case 0xa2:
      filter.kind = LdapFilter::Kind::kNot;
      return ber_skip_tag(ber, &length) != LBER_ERROR && read_child(tag);
    case 0xa3:
    case 0xa8:
      return ReadAssertion(ber, LdapFilter::Kind::kEqual, filter);
    case 0xa4:
      return ReadSubstrings(ber, filter);
    case 0xa5:
      return ReadAssertion(ber, LdapFilter::Kind::kGreaterOrEqual, filter);
    case 0xa6:
      return ReadAssertion(ber, LdapFilter::Kind::kLessOrEqual, filter);
    case 0x87: {
      std::string name;
      filter.kind = LdapFilter::Kind::kPresent;
      if (!GetString(ber, name)) return false;
      filter.attribute = ToLowerAscii(name);
      return true;
    }
    case 0xa9:
      return ReadExtensible(ber, filter);
    default:
      return false;
  }
}

bool ReadBind(BerElement* ber, LdapMessage& message) {
  ber_int_t version = 0;
  if (ber_scanf(ber, "{i", &version) == LBER_ERROR || !GetString(ber, message.name)) return false;
  message.version = version;
  ber_len_t length = 0;
  message.simple = ber_peek_tag(ber, &length) == kSimple;
  if (message.simple) return GetString(ber, message.password);
  return ber_scanf(ber, "x") != LBER_ERROR;
}

bool ReadSearch(BerElement* ber, LdapMessage& message) {
  ber_int_t scope = 0, aliases = 0, size_limit = 0, time_limit = 0, types_only = 0;
  if (ber_scanf(ber, "{") == LBER_ERROR || !GetString(ber, message.name) ||
      ber_scanf(ber, "eeiib", &scope, &aliases, &size_limit, &time_limit, &types_only) ==
          LBER_ERROR ||
      scope < 0 || scope > 2 || !ReadFilter(ber, message.filter, 0)) {
    return false;
  }
  message.scope = static_cast<LdapSearchRequest::Scope>(scope);
  message.size_limit = size_limit;
  message.types_only = types_only != 0;
  const auto read_name = [&](ber_tag_t) {
    return GetString(ber, message.attributes.emplace_back());
  };
  ber_len_t length = 0;
  return ber_peek_tag(ber, &length) == LBER_SEQUENCE && ForEachElement(ber, read_name);
}

bool ReadModify(BerElement* ber, LdapMessage& message) {
  if (ber_scanf(ber, "{") == LBER_ERROR || !GetString(ber, message.name)) return false;
  return ForEachElement(ber, [&](ber_tag_t) {
    LdapTree::Change change;
    ber_int_t kind = 0;
    if (ber_scanf(ber, "{e{", &kind) == LBER_ERROR || !GetString(ber, change.attribute) ||
        kind < 0 || kind > 2) {
      return false;
    }
    change.kind = static_cast<LdapTree::Change::Kind>(kind);
    const auto read_value = [&](ber_tag_t) { return GetString(ber, change.values.emplace_back()); };
    if (!ForEachElement(ber, read_value)) return false;
    message.changes.push_back(std::move(change));
    return true;
  });
}

bool ReadControls(BerElement* ber, LdapMessage& message) {
  return ForEachElement(ber, [&](ber_tag_t) {
    LdapControl control;
    ber_len_t length = 0;
    if (ber_scanf(ber, "{") == LBER_ERROR || !GetString(ber, control.oid)) return false;
    if (ber_peek_tag(ber, &length) == LBER_BOOLEAN) {
      ber_int_t critical = 0;
      if (ber_scanf(ber, "b", &critical) == LBER_ERROR) return false;
      control.critical = critical != 0;
    }
    if (ber_peek_tag(ber, &length) == LBER_OCTETSTRING && !GetString(ber, control.value)) {
      return false;
    }
    message.controls.push_back(std::move(control));
    return true;
  });
}

bool ReadOperation(BerElement* ber, ber_tag_t tag, LdapMessage& message) {
  std::string ignored;
  switch (tag) {
    case kBindRequest:
      message.operation = LdapOperation::kBind;
      return ReadBind(ber, message);
    case kUnbindRequest:
      message.operation = LdapOperation::kUnbind;
      return true;
    case kSearchRequest:
      message.operation = LdapOperation::kSearch;
      return ReadSearch(ber, message);
    case kModifyRequest:
      message.operation = LdapOperation::kModify;
      return ReadModify(ber, message);
    case kDeleteRequest:
      message.operation = LdapOperation::kDelete;
      return GetString(ber, message.name);
    case kAbandonRequest: {
      message.operation = LdapOperation::kAbandon;
      ber_int_t id = 0;
      if (ber_scanf(ber, "i", &id) == LBER_ERROR) return false;
      message.abandoned = id;
      return true;
    }
    case kExtendedRequest:
      message.operation = LdapOperation::kExtended;
      return ber_scanf(ber, "{") != LBER_ERROR && GetString(ber, message.name);
    default:
      message.operation = LdapOperation::kOther;
      return ber_scanf(ber, "x") != LBER_ERROR;
  }
}

// Each request's response tag (RFC 4511 4.1.1); an unknown operation has none of its own.
ber_tag_t ResponseTag(LdapOperation operation) {
  switch (operation) {
    case LdapOperation::kBind:
      return 0x61;
    case LdapOperation::kSearch:
      return 0x65;
    case LdapOperation::kModify:
      return 0x67;
    case LdapOperation::kDelete:
      return 0x6b;
    default:
      return 0x78;
  }
}

}  // namespace

const LdapControl* LdapMessage::Find(std::string_view oid) const {
  for (const LdapControl& control : controls) {
    if (control.oid == oid) return &control;
  }
  return nullptr;
}

StatusOr<std::optional<size_t>> LdapMessageSize(std::string_view bytes, size_t limit) {
  const std::optional<size_t> incomplete;
  if (bytes.empty()) return incomplete;
  if (bytes[0] != 0x30) return Bad("does not begin with a sequence");
  if (bytes.size() < 2) return incomplete;
  const auto first = static_cast<uint8_t>(bytes[1]);
  size_t header = 2;
  size_t length = first;
  if ((first & 0x80) != 0) {
    const size_t width = first & 0x7f;
    if (width == 0 || width > 4) return Bad("length of an unknown form");
    header += width;
    if (bytes.size() < header) return incomplete;
    length = 0;
    for (size_t i = 2; i < header; ++i) length = length << 8 | static_cast<uint8_t>(bytes[i]);
  }
  if (length > limit) return Bad("too large");
  return std::optional<size_t>(header + length);
}

StatusOr<LdapMessage> DecodeLdapMessage(std::string_view bytes) {
  const Ber ber = OpenBer(bytes);
  if (ber == nullptr) return Bad("empty");
  LdapMessage message;
  ber_int_t id = 0;
  ber_len_t length = 0;
  if (ber_scanf(ber.get(), "{i", &id) == LBER_ERROR) return Bad("no message id");
  message.id = id;
  const ber_tag_t tag = ber_peek_tag(ber.get(), &length);
  if (tag == LBER_DEFAULT || tag == LBER_ERROR) return Bad("no operation");
  message.tag = static_cast<uint8_t>(tag);
  if (!ReadOperation(ber.get(), tag, message)) return Bad("the operation does not decode");
  if (tag == kUnbindRequest) return message;
  // Operations are read only as far as they are used; the controls stand behind their end.
  const Ber outer = OpenBer(bytes);
  if (ber_scanf(outer.get(), "{ix", &id) == LBER_ERROR) return Bad("no end");
  if (ber_peek_tag(outer.get(), &length) == kControls && !ReadControls(outer.get(), message)) {
    return Bad("the controls do not decode");
  }
  return message;
}

std::string EncodeLdapResult(const LdapMessage& request, const LdapResult& result,
                             const std::vector<LdapControl>& controls,
                             std::string_view extended_oid) {
  const Ber ber(ber_alloc_t(LBER_USE_DER));
  ber_printf(ber.get(), "{it{e", static_cast<ber_int_t>(request.id), ResponseTag(request.operation),
             static_cast<ber_int_t>(result.code));
  PutString(ber, "");
  PutString(ber, result.message);
  if (!extended_oid.empty()) {
    ber_put_ostring(ber.get(), extended_oid.data(), extended_oid.size(), 0x8a);
  }
  ber_printf(ber.get(), "}");
  if (!controls.empty()) {
    ber_printf(ber.get(), "t{", kControls);
    for (const LdapControl& control : controls) {
      ber_printf(ber.get(), "{");
      PutString(ber, control.oid);
      PutString(ber, control.value);
      ber_printf(ber.get(), "}");
    }
    ber_printf(ber.get(), "}");
  }
  ber_printf(ber.get(), "}");
  return Flatten(ber);
}

std::string EncodeLdapEntry(int32_t id, const LdapEntry& entry, bool types_only) {
  const Ber ber(ber_alloc_t(LBER_USE_DER));
  ber_printf(ber.get(), "{it{", static_cast<ber_int_t>(id), static_cast<ber_tag_t>(0x64));
  PutString(ber, entry.dn);
  ber_printf(ber.get(), "{");
  for (const auto& [lower, attribute] : entry.attributes) {
    ber_printf(ber.get(), "{");
    PutString(ber, attribute.name);
    ber_printf(ber.get(), "[");
    if (!types_only) {
      for (const std::string& value : attribute.values) PutString(ber, value);
    }
    ber_printf(ber.get(), "]}");
  }
  ber_printf(ber.get(), "}}}");
  return Flatten(ber);
}

StatusOr<PagedValue> DecodePagedValue(std::string_view bytes) {
  const Ber ber = OpenBer(bytes);
  PagedValue value;
  ber_int_t size = 0;
  if (ber == nullptr || ber_scanf(ber.get(), "{i", &size) == LBER_ERROR ||
      !GetString(ber.get(), value.cookie)) {
    return Bad("the paged results control does not decode");
  }
  value.size = size;
  return value;
}

std::string EncodePagedValue(const PagedValue& value) {
  const Ber ber(ber_alloc_t(LBER_USE_DER));
  ber_printf(ber.get(), "{i", static_cast<ber_int_t>(value.size));
  PutString(ber, value.cookie);
  ber_printf(ber.get(), "}");
  return Flatten(ber);
}

StatusOr<DirSyncRequest> DecodeDirSyncValue(std::string_view bytes) {
  const Ber ber = OpenBer(bytes);
  DirSyncRequest request;
  ber_int_t flags = 0;
  ber_int_t max_bytes = 0;
  if (ber == nullptr || ber_scanf(ber.get(), "{ii", &flags, &max_bytes) == LBER_ERROR ||
      !GetString(ber.get(), request.cookie)) {
    return Bad("the DirSync control does not decode");
  }
  request.flags = flags;
  request.max_bytes = max_bytes;
  return request;
}

std::string EncodeDirSyncValue(const DirSyncAnswer& answer) {
  const Ber ber(ber_alloc_t(LBER_USE_DER));
  ber_printf(ber.get(), "{ii", static_cast<ber_int_t>(answer.more ? 1 : 0),
             static_cast<ber_int_t>(0));
  PutString(ber, answer.cookie);
  ber_printf(ber.get(), "}");
  return Flatten(ber);
}

}  // namespace driftwarden::simulator
