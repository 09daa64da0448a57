#pragma once

// Graph's JSON as our values. simdjson stays in json.cpp. A document is decoded completely before
// anything is acted upon, fields may come in any order, the last of equal names wins, and unknown
// fields are ignored whatever their depth.
//
// What one object gets wrong never costs its neighbours: a field that cannot be read (a lone
// surrogate, a number for a boolean) is left unknown and reported, an object without a usable id is
// left out and reported. Broken JSON, bad UTF-8 or a document of the wrong shape is DataLoss.
//
// Not thread-safe; one decoder a client. Its buffers grow with the largest document seen.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "base/status.h"
#include "monitor/observation.h"

namespace driftwarden::graph {

// An object, or a field of one, that was left out.
struct Flaw {
  std::string id;    // empty when that was the flaw
  std::string what;  // one printable line

  Flaw(std::string object, std::string reason) : id(std::move(object)), what(std::move(reason)) {}
};

// One page of GET /v1.0/users/delta.
struct UsersPage {
  std::vector<monitor::EntraView> users;
  std::string next_link;  // exactly one of the two is set
  std::string delta_link;
  std::vector<Flaw> flaws;
};

struct DecodedUser {
  monitor::EntraView view;
  std::vector<Flaw> flaws;
};

// {"error":{"code","message","innerError":{"request-id","client-request-id"}}}
struct GraphError {
  std::string code;
  std::string message;
  std::string request_id;
  std::string client_request_id;
};

// The token endpoint's answer, good or bad.
struct TokenReply {
  Secret access_token;
  std::string token_type;
  std::optional<int64_t> expires_in;  // seconds; a number or the text of one
  std::string error;
  std::string error_description;
  std::string error_codes;  // "7000215, 50012"
  std::string trace_id;
  std::string correlation_id;
};

struct BatchItem {
  std::string id;
  int status = 0;
  // The headers' texts, empty when absent.
  std::string retry_after;
  std::string resource_unit;
  std::string throttle_share;
  std::string throttle_scope;
  std::string throttle_information;
  std::string body;  // the JSON text of the body, empty when it is not an object
};

class JsonDecoder {
 public:
  JsonDecoder();
  ~JsonDecoder();
  JsonDecoder(const JsonDecoder&) = delete;
  JsonDecoder& operator=(const JsonDecoder&) = delete;

  // `body` is only read, but its capacity may be raised (net::kJsonPadding).
  StatusOr<UsersPage> DecodeUsersPage(std::string& body);
  // A user or a deleted user by direct read: here a null signInSessionsValidFromDateTime says
  // "never revoked", while in a page it says nothing.
  StatusOr<DecodedUser> DecodeUser(std::string& body);
  StatusOr<std::vector<BatchItem>> DecodeBatch(std::string& body);
  StatusOr<TokenReply> DecodeToken(std::string& body);
  // Total: what is no Graph error gives an empty code.
  GraphError DecodeError(std::string& body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace driftwarden::graph
