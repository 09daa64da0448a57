#pragma once

// Bodies packed with gzip (RFC 1952), as HTTP's Content-Encoding carries them (RFC 9110, 8.4.1.3).
// Pure functions over zlib.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"

namespace driftwarden::net {

// The fastest level: what is sent once is not worth more.
std::string Gzip(std::string_view plain);

// All members, one after the other. DataLoss when `packed` is not gzip, is cut, has a wrong check
// sum or something behind its end, or would give more than `limit` bytes: what it holds never grows
// beyond that and one buffer, whatever the input claims.
StatusOr<std::string> Gunzip(std::string_view packed, size_t limit);

// Whether an Accept-Encoding header's value lets an answer be packed so: gzip, x-gzip or *, unless
// its weight is zero.
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace driftwarden::net
