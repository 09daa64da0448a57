#include "net/proxy_tunnel.h"

#include "base/hex.h"
#include "base/strings.h"

namespace driftwarden::net {
namespace {

constexpr size_t kHeadLimit = size_t{16} << 10;
constexpr size_t kReadSize = 2048;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

// "HTTP/1.1 200 Connection established"; 0 when it is none.
int StatusOfLine(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') return 0;
  const auto code = ParseUint64(line.substr(9, 3));
  return code && *code >= 100 ? static_cast<int>(*code) : 0;
}

Status Judge(std::string_view head, const std::string& authority) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const int code = StatusOfLine(line);
  if (code == 0) return DataLossError("its answer to CONNECT is not HTTP");
  if (code == 407) {
    return UnavailableError(
        "it wants other credentials (407); write user:password to proxy_credentials_file");
  }
  if (code < 200 || code > 299) {
    return UnavailableError(Cat("it refuses a tunnel to ", authority, ": ",
                                Printable(line.substr(9), 100), "; allow the host there"));
  }
  // Whoever is behind it waits for us to begin.
  if (head.find(kHeadEnd) + kHeadEnd.size() != head.size()) {
    return DataLossError("it sent bytes behind its answer to CONNECT");
  }
  return OkStatus();
}

}  // namespace

asio::awaitable<Status> OpenTunnel(ByteStream* stream, std::string authority,
                                   std::string credentials) {
  std::string request = Cat("CONNECT ", authority, " HTTP/1.1\r\nHost: ", authority, "\r\n");
  if (!credentials.empty()) {
    request += Cat("Proxy-Authorization: Basic ", Base64Encode(credentials), "\r\n");
  }
  request += "\r\n";
  const Status written = co_await stream->WriteAll(std::move(request));
  if (!written.ok()) co_return written;
  std::string head;
  std::string buffer(kReadSize, '\0');
  while (head.find(kHeadEnd) == std::string::npos) {
    if (head.size() > kHeadLimit) co_return DataLossError("its answer to CONNECT does not end");
    const auto count = co_await stream->ReadSome(buffer.data(), buffer.size());
    if (!count.ok()) co_return count.status();
    if (*count == 0) co_return UnavailableError("it closed the connection before it answered");
    head.append(buffer, 0, *count);
  }
  co_return Judge(head, authority);
}

}  // namespace driftwarden::net
