#include "net/packed.h"

#include "net/gzip.h"

namespace driftwarden::net {
namespace {

constexpr size_t kWorthPacking = 1024;

}  // namespace

void PackIfAccepted(const ServerRequest& request, ServerResponse& response) {
  if (response.body.size() < kWorthPacking) return;
  if (FindHeader(response.headers, "Content-Encoding") != nullptr) return;
  // Caches must know even when this one got it plain.
  response.headers.emplace_back("Vary", "Accept-Encoding");
  const std::string* accepted = request.Find("Accept-Encoding");
  if (accepted == nullptr || !AcceptsGzip(*accepted)) return;
  response.body = Gzip(response.body);
  response.headers.emplace_back("Content-Encoding", "gzip");
}

}  // namespace driftwarden::net
