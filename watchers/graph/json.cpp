#include "watchers/graph/json.h"

#include <simdjson.h>

#include <string_view>

#include "base/strings.h"
#include "net/http.h"

namespace driftwarden::graph {
namespace {

namespace ondemand = simdjson::ondemand;

static_assert(net::kJsonPadding >= simdjson::SIMDJSON_PADDING);

// No property that we read is longer; a link may be.
constexpr size_t kFieldLimit = 8192;
constexpr size_t kLinkLimit = 32768;

enum class Read { kValue, kNull, kBad };

Status Broken(std::string_view what, simdjson::error_code error) {
  return DataLossError(
      Cat("the tenant's answer is no usable ", what, ": ", simdjson::error_message(error)));
}

Read ReadNull(ondemand::value& value) {
  bool null = false;
  return value.is_null().get(null) == simdjson::SUCCESS && null ? Read::kNull : Read::kBad;
}

bool TypeOf(ondemand::value& value, ondemand::json_type& type) {
  return value.type().get(type) == simdjson::SUCCESS;
}

Read ReadText(ondemand::value& value, std::string& out, size_t limit = kFieldLimit) {
  ondemand::json_type type;
  if (!TypeOf(value, type)) return Read::kBad;
  if (type == ondemand::json_type::null) return ReadNull(value);
  std::string_view text;
  if (type != ondemand::json_type::string || value.get_string().get(text) != simdjson::SUCCESS ||
      text.size() > limit) {
    return Read::kBad;
  }
  out.assign(text);
  return Read::kValue;
}

Read ReadBool(ondemand::value& value, bool& out) {
  ondemand::json_type type;
  if (!TypeOf(value, type)) return Read::kBad;
  if (type == ondemand::json_type::null) return ReadNull(value);
  return value.get_bool().get(out) == simdjson::SUCCESS ? Read::kValue : Read::kBad;
}

// A number, or the text of one (managed identities answer that way).
Read ReadInt(ondemand::value& value, int64_t& out) {
  ondemand::json_type type;
  if (!TypeOf(value, type)) return Read::kBad;
  if (type == ondemand::json_type::null) return ReadNull(value);
  if (type == ondemand::json_type::number) {
    return value.get_int64().get(out) == simdjson::SUCCESS ? Read::kValue : Read::kBad;
  }
  std::string text;
  if (ReadText(value, text) != Read::kValue) return Read::kBad;
  const auto number = ParseInt64(text);
  if (!number.has_value()) return Read::kBad;
  out = *number;
  return Read::kValue;
}

// Walks an object: `visit(key, value)` returns a Status; what it does not read is skipped. Only
// broken JSON stops the walk by itself.
template <typename Visit>
Status ForEachField(ondemand::object& object, std::string_view what, Visit visit) {
  for (auto entry : object) {
    ondemand::field field;
    if (const auto error = std::move(entry).get(field)) return Broken(what, error);
    std::string_view key;
    // A key with a lone surrogate is none of ours.
    if (field.unescaped_key().get(key) != simdjson::SUCCESS) key = {};
    ondemand::value value = field.value();
    DW_RETURN_IF_ERROR(visit(key, value));
  }
  return OkStatus();
}

bool IsUsableId(std::string_view id) {
  constexpr std::string_view kUsable =
      "0123456789-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !id.empty() && id.size() <= 64 && id.find_first_not_of(kUsable) == std::string_view::npos;
}

// One user object while its fields arrive in any order.
class UserBuilder {
 public:
  explicit UserBuilder(bool direct) : direct_(direct) {}

  Status Take(ondemand::object& object) {
    return ForEachField(object, "user", [this](std::string_view key, ondemand::value& value) {
      TakeOne(key, value);
      return OkStatus();
    });
  }
  void TakeOne(std::string_view key, ondemand::value& value) {
    if (!TakeField(key, value)) bad_.push_back(Printable(key, 80));
  }

  // False: no usable id, the object must be left out.
  bool Finish(monitor::EntraView& view, std::vector<Flaw>& flaws) {
    if (!IsUsableId(view_.id)) {
      flaws.emplace_back("",
                         Cat("an object without a usable id (\"", Printable(view_.id, 80), "\")"));
      return false;
    }
    if (removed_) {
      if (reason_ == "changed") {
        view_.deletion = monitor::EntraDeletion::kSoft;
      } else if (reason_ == "deleted") {
        view_.deletion = monitor::EntraDeletion::kHard;
      } else {
        // Removed, but how? Believing in a deletion would close a case: a direct read must tell.
        bad_.push_back("@removed.reason");
      }
    } else {
      view_.deletion =
          has_deleted_time_ ? monitor::EntraDeletion::kSoft : monitor::EntraDeletion::kLive;
    }
    if (!bad_.empty()) flaws.emplace_back(view_.id, Cat("unreadable: ", JoinStrings(bad_, ", ")));
    view = std::move(view_);
    return true;
  }

 private:
  // False when the field is one of ours and cannot be read: it stays unknown.
  bool TakeField(std::string_view key, ondemand::value& value) {
    if (key == "id") return TakeId(value);
    if (key == "accountEnabled") return Flag(value, view_.account_enabled);
    if (key == "userPrincipalName") return Text(value, view_.upn);
    if (key == "displayName") return Text(value, view_.display_name);
    if (key == "onPremisesSamAccountName") return Text(value, view_.sam_account_name);
    if (key == "onPremisesDomainName") return Text(value, view_.on_premises_domain, Read::kNull);
    if (key == "userType") return TakeUserType(value);
    if (key == "onPremisesImmutableId") return TakeAnchor(value);
    if (key == "onPremisesSecurityIdentifier") return TakeSid(value);
    if (key == "onPremisesSyncEnabled") return TakeSyncEnabled(value);
    if (key == "signInSessionsValidFromDateTime") return TakeSessions(value);
    if (key == "deletedDateTime") return TakeDeletedTime(value);
    if (key == "@removed") return TakeRemoved(value);
    return true;
  }

  bool TakeId(ondemand::value& value) {
    std::string id;
    if (ReadText(value, id) != Read::kValue) return false;
    view_.id = ToLowerAscii(id);
    return true;
  }

  static bool Flag(ondemand::value& value, std::optional<bool>& out) {
    bool flag = false;
    const Read read = ReadBool(value, flag);
    out = read == Read::kValue ? std::optional(flag) : std::nullopt;
    return read != Read::kBad;
  }

  // What null stands for: not known, or read, and there is none.
  static bool Text(ondemand::value& value, std::optional<std::string>& out,
                   Read null = Read::kValue) {
    std::string text;
    const Read read = ReadText(value, text);
    out.reset();
    if (read == Read::kValue || read == null) out = std::move(text);
    return read != Read::kBad;
  }

  bool TakeAnchor(ondemand::value& value) {
    std::optional<std::string> text;
    const bool readable = Text(value, text, Read::kNull);
    view_.immutable_id.reset();
    if (text) view_.immutable_id.emplace(*std::move(text));
    return readable;
  }

  // Member or Guest; null stands for accounts older than the difference.
  bool TakeUserType(ondemand::value& value) {
    std::optional<std::string> text;
    const bool readable = Text(value, text, Read::kNull);
    view_.guest.reset();
    if (text) view_.guest = EqualsIgnoreCase(*text, "Guest");
    return readable;
  }

  bool TakeSid(ondemand::value& value) {
    std::string text;
    view_.on_premises_sid.reset();
    const Read read = ReadText(value, text);
    if (read != Read::kValue) return read == Read::kNull;
    view_.on_premises_sid = monitor::Sid::Parse(text);
    return view_.on_premises_sid.has_value();
  }

  // true: synced; false: was synced; null: never was.
  bool TakeSyncEnabled(ondemand::value& value) {
    view_.ever_synced.reset();
    if (!Flag(value, view_.sync_enabled)) return false;
    view_.ever_synced = view_.sync_enabled.has_value();
    if (!view_.sync_enabled.has_value()) view_.sync_enabled = false;
    return true;
  }

  bool TakeSessions(ondemand::value& value) {
    std::string text;
    view_.sessions_valid_from.reset();
    const Read read = ReadText(value, text);
    if (read == Read::kBad) return false;
    monitor::SessionsValidFrom from;
    if (read == Read::kNull) {
      from.never = true;
      if (direct_) view_.sessions_valid_from = from;
      return true;
    }
    const auto at = ParseRfc3339(text);
    if (!at.has_value()) return false;
    from.at = *at;
    view_.sessions_valid_from = from;
    return true;
  }

  bool TakeDeletedTime(ondemand::value& value) {
    std::string text;
    const Read read = ReadText(value, text);
    has_deleted_time_ = read == Read::kValue && ParseRfc3339(text).has_value();
    return read == Read::kNull || has_deleted_time_;
  }

  bool TakeRemoved(ondemand::value& value) {
    ondemand::json_type type;
    if (!TypeOf(value, type)) return removed_ = true, false;
    if (type == ondemand::json_type::null) return ReadNull(value) == Read::kNull;
    removed_ = true;
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return false;
    return ForEachField(object, "@removed",
                        [this](std::string_view key, ondemand::value& member) {
                          if (key == "reason") (void)ReadText(member, reason_);
                          return OkStatus();
                        })
        .ok();
  }

  const bool direct_;
  monitor::EntraView view_;
  bool removed_ = false;
  bool has_deleted_time_ = false;
  std::string reason_;
  std::vector<std::string> bad_;
};

Status TakeUsers(ondemand::value& value, UsersPage& page) {
  ondemand::array array;
  if (const auto error = value.get_array().get(array)) return Broken("users page", error);
  for (auto entry : array) {
    ondemand::value element;
    if (const auto error = std::move(entry).get(element)) return Broken("users page", error);
    ondemand::json_type type;
    if (!TypeOf(element, type) || type != ondemand::json_type::object) {
      page.flaws.emplace_back("", "an element that is no object");
      continue;
    }
    ondemand::object object;
    if (const auto error = element.get_object().get(object)) return Broken("users page", error);
    UserBuilder builder(false);
    DW_RETURN_IF_ERROR(builder.Take(object));
    monitor::EntraView view;
    if (builder.Finish(view, page.flaws)) page.users.push_back(std::move(view));
  }
  return OkStatus();
}

std::string* HeaderOf(BatchItem& item, std::string_view name) {
  if (EqualsIgnoreCase(name, "Retry-After")) return &item.retry_after;
  if (EqualsIgnoreCase(name, "x-ms-resource-unit")) return &item.resource_unit;
  if (EqualsIgnoreCase(name, "x-ms-throttle-limit-percentage")) return &item.throttle_share;
  if (EqualsIgnoreCase(name, "x-ms-throttle-scope")) return &item.throttle_scope;
  if (EqualsIgnoreCase(name, "x-ms-throttle-information")) return &item.throttle_information;
  return nullptr;
}

Status TakeBatchHeaders(ondemand::value& value, BatchItem& item) {
  ondemand::object headers;
  if (value.get_object().get(headers) != simdjson::SUCCESS) return OkStatus();
  return ForEachField(headers, "batch answer", [&item](std::string_view key, ondemand::value& v) {
    std::string* const header = HeaderOf(item, key);
    if (header == nullptr) return OkStatus();
    std::string_view raw = TrimAscii(v.raw_json_token());
    if (!raw.empty() && raw.front() == '"') {
      (void)ReadText(v, *header);
    } else if (raw.size() < 32) {
      header->assign(raw);
    }
    return OkStatus();
  });
}

Status TakeBatchItem(ondemand::object& object, BatchItem& item) {
  return ForEachField(
      object, "batch answer", [&item](std::string_view key, ondemand::value& value) -> Status {
        if (key == "id") {
          int64_t number = 0;
          ondemand::json_type type;
          if (TypeOf(value, type) && type == ondemand::json_type::number) {
            if (ReadInt(value, number) == Read::kValue) item.id = Cat(number);
          } else {
            (void)ReadText(value, item.id);
          }
        } else if (key == "status") {
          int64_t status = 0;
          if (ReadInt(value, status) == Read::kValue && status >= 100 && status <= 599) {
            item.status = static_cast<int>(status);
          }
        } else if (key == "headers") {
          return TakeBatchHeaders(value, item);
        } else if (key == "body") {
          ondemand::object body;
          if (value.get_object().get(body) != simdjson::SUCCESS) return OkStatus();
          std::string_view raw;
          if (const auto error = body.raw_json().get(raw)) return Broken("batch answer", error);
          item.body.assign(raw);
        }
        return OkStatus();
      });
}

Status TakeErrorCodes(ondemand::value& value, TokenReply& reply) {
  ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return OkStatus();
  for (auto entry : array) {
    ondemand::value element;
    if (const auto error = std::move(entry).get(element)) return Broken("token answer", error);
    int64_t code = 0;
    if (ReadInt(element, code) != Read::kValue) continue;
    if (!reply.error_codes.empty()) reply.error_codes += ", ";
    reply.error_codes += Cat(code);
  }
  return OkStatus();
}

Status TakeTokenField(std::string_view key, ondemand::value& value, TokenReply& reply) {
  if (key == "access_token") {
    std::string token;
    if (ReadText(value, token, kLinkLimit) == Read::kValue) {
      reply.access_token = Secret(std::move(token));
    }
  } else if (key == "expires_in") {
    int64_t seconds = 0;
    if (ReadInt(value, seconds) == Read::kValue) reply.expires_in = seconds;
  }
  if (key == "error_codes") return TakeErrorCodes(value, reply);
  if (key == "token_type") (void)ReadText(value, reply.token_type);
  if (key == "error") (void)ReadText(value, reply.error);
  if (key == "error_description") (void)ReadText(value, reply.error_description);
  if (key == "trace_id") (void)ReadText(value, reply.trace_id);
  if (key == "correlation_id") (void)ReadText(value, reply.correlation_id);
  return OkStatus();
}

Status TakeInnerError(ondemand::value& value, GraphError& out) {
  ondemand::object inner;
  if (value.get_object().get(inner) != simdjson::SUCCESS) return OkStatus();
  return ForEachField(inner, "error", [&out](std::string_view key, ondemand::value& member) {
    if (key == "request-id") (void)ReadText(member, out.request_id);
    if (key == "client-request-id") (void)ReadText(member, out.client_request_id);
    return OkStatus();
  });
}

Status TakeError(ondemand::value& value, GraphError& out) {
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return OkStatus();
  return ForEachField(object, "error",
                      [&out](std::string_view key, ondemand::value& member) -> Status {
                        if (key == "code") (void)ReadText(member, out.code);
                        if (key == "message") (void)ReadText(member, out.message);
                        // Both spellings occur in the vendor's own documents.
                        if (EqualsIgnoreCase(key, "innererror")) return TakeInnerError(member, out);
                        return OkStatus();
                      });
}

}  // namespace

struct JsonDecoder::Impl {
  ondemand::parser parser;

  // Parses `body`, which must be one object, and walks its fields.
  template <typename Visit>
  Status Walk(std::string& body, std::string_view what, Visit visit) {
    body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
    const simdjson::padded_string_view view(body.data(), body.size(), body.capacity());
    ondemand::document document;
    if (const auto error = parser.iterate(view).get(document)) return Broken(what, error);
    ondemand::object object;
    if (const auto error = document.get_object().get(object)) return Broken(what, error);
    DW_RETURN_IF_ERROR(ForEachField(object, what, visit));
    // The only way to ask simdjson 3.0 for the document's end.
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
      return Broken(what, simdjson::TRAILING_CONTENT);
    }
    return OkStatus();
  }
};

JsonDecoder::JsonDecoder() : impl_(std::make_unique<Impl>()) {}
JsonDecoder::~JsonDecoder() = default;

StatusOr<UsersPage> JsonDecoder::DecodeUsersPage(std::string& body) {
  UsersPage page;
  bool has_users = false;
  const auto visit = [&](std::string_view key, ondemand::value& value) -> Status {
    if (key == "value") {
      has_users = true;
      return TakeUsers(value, page);
    }
    Read read = Read::kValue;
    if (key == "@odata.nextLink") read = ReadText(value, page.next_link, kLinkLimit);
    if (key == "@odata.deltaLink") read = ReadText(value, page.delta_link, kLinkLimit);
    if (read == Read::kBad) return DataLossError(Cat("users page: unreadable ", key));
    return OkStatus();
  };
  DW_RETURN_IF_ERROR(impl_->Walk(body, "users page", visit));
  if (!has_users) return DataLossError("users page: no \"value\"");
  if (page.next_link.empty() == page.delta_link.empty()) {
    return DataLossError(page.next_link.empty() ? "users page: neither nextLink nor deltaLink"
                                                : "users page: both nextLink and deltaLink");
  }
  return page;
}

StatusOr<DecodedUser> JsonDecoder::DecodeUser(std::string& body) {
  DecodedUser out;
  UserBuilder builder(true);
  const auto visit = [&](std::string_view key, ondemand::value& value) {
    builder.TakeOne(key, value);
    return OkStatus();
  };
  DW_RETURN_IF_ERROR(impl_->Walk(body, "user", visit));
  if (!builder.Finish(out.view, out.flaws)) {
    return DataLossError(Cat("user: ", out.flaws.front().what));
  }
  return out;
}

StatusOr<std::vector<BatchItem>> JsonDecoder::DecodeBatch(std::string& body) {
  std::vector<BatchItem> items;
  bool has_responses = false;
  const auto visit = [&](std::string_view key, ondemand::value& value) -> Status {
    if (key != "responses") return OkStatus();
    has_responses = true;
    ondemand::array array;
    if (const auto error = value.get_array().get(array)) return Broken("batch answer", error);
    for (auto entry : array) {
      ondemand::object object;
      if (const auto error = std::move(entry).get_object().get(object)) {
        return Broken("batch answer", error);
      }
      BatchItem item;
      DW_RETURN_IF_ERROR(TakeBatchItem(object, item));
      items.push_back(std::move(item));
    }
    return OkStatus();
  };
  DW_RETURN_IF_ERROR(impl_->Walk(body, "batch answer", visit));
  if (!has_responses) return DataLossError("batch answer: no \"responses\"");
  return items;
}

StatusOr<TokenReply> JsonDecoder::DecodeToken(std::string& body) {
  TokenReply reply;
  const auto visit = [&reply](std::string_view key, ondemand::value& value) {
    return TakeTokenField(key, value, reply);
  };
  DW_RETURN_IF_ERROR(impl_->Walk(body, "token answer", visit));
  return reply;
}

GraphError JsonDecoder::DecodeError(std::string& body) {
  GraphError out;
  const auto visit = [&out](std::string_view key, ondemand::value& value) -> Status {
    if (key == "error") return TakeError(value, out);
    return OkStatus();
  };
  const Status walked = impl_->Walk(body, "error", visit);
  // Half of an error is worse than none: the caller branches on the code.
  if (!walked.ok()) return GraphError();
  return out;
}

}  // namespace driftwarden::graph
