#include "watchers/directory/name_server.h"

#include <arpa/inet.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/strings.h"

namespace driftwarden::directory {
namespace {

constexpr uint16_t kDnsPort = 53;

}  // namespace

std::optional<sockaddr_in> ParseNameServer(const std::string& text) {
  const size_t colon = text.find(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kDnsPort);
  if (colon != std::string::npos) {
    const auto port = ParseUint64(std::string_view(text).substr(colon + 1));
    if (!port || *port == 0 || *port > UINT16_MAX) return std::nullopt;
    address.sin_port = htons(static_cast<uint16_t>(*port));
  }
  const std::string host = text.substr(0, colon);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return std::nullopt;
  return address;
}

bool IsNameServer(const std::string& text) {
  return ParseNameServer(text).has_value();
}

std::string DomainOfDn(std::string_view dn) {
  std::vector<std::string> labels;
  for (const std::string& part : SplitString(dn, ',')) {
    const size_t equals = part.find('=');
    if (equals == std::string::npos) continue;
    const size_t name = part.find_first_not_of(' ');
    if (EqualsIgnoreCase(std::string_view(part).substr(name, equals - name), "DC")) {
      labels.push_back(part.substr(equals + 1));
    } else {
      labels.clear();  // what stands below the domain
    }
  }
  return JoinStrings(labels, ".");
}

}  // namespace driftwarden::directory
