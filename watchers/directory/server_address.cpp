#include "watchers/directory/server_address.h"

#include <algorithm>
#include <optional>

#include "base/strings.h"

namespace driftwarden::directory {
namespace {

constexpr uint16_t kLdapPort = 389;
constexpr uint16_t kLdapsPort = 636;

bool IsHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

bool IsAddressCharacter(char c) {
  return IsHostCharacter(c) || c == ':' || c == '%';
}

Status Refuse(std::string_view url, std::string_view why) {
  return InvalidError(Cat("server \"", Printable(url), "\" ", why,
                          "; write ldaps://host[:port] or ldap://host[:port]"));
}

std::string Bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : Cat('[', host, ']');
}

}  // namespace

std::string ServerAddress::Url() const {
  return Cat(ldaps ? "ldaps://" : "ldap://", Bracketed(host), ':', port);
}

std::string ServerAddress::HostPort() const {
  return Cat(Bracketed(host), ':', port);
}

StatusOr<ServerAddress> ParseServerAddress(std::string_view url) {
  ServerAddress address;
  const size_t colon = url.find("://");
  if (colon == std::string_view::npos) return Refuse(url, "has no scheme");
  const std::string scheme = ToLowerAscii(url.substr(0, colon));
  if (scheme != "ldap" && scheme != "ldaps") return Refuse(url, "is not an LDAP URL");
  address.ldaps = scheme == "ldaps";
  address.port = address.ldaps ? kLdapsPort : kLdapPort;

  std::string_view rest = url.substr(colon + 3);
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  std::string_view port;
  bool good = true;
  if (!rest.empty() && rest.front() == '[') {
    const size_t end = rest.find(']');
    if (end == std::string_view::npos) return Refuse(url, "lacks a closing bracket");
    address.host = rest.substr(1, end - 1);
    good = address.host.find(':') != std::string::npos &&
           std::all_of(address.host.begin(), address.host.end(), IsAddressCharacter);
    rest.remove_prefix(end + 1);
    if (!rest.empty() && rest.front() != ':') return Refuse(url, "has text after the address");
    port = rest;
  } else {
    const size_t at = rest.find(':');
    address.host = rest.substr(0, at);
    good = std::all_of(address.host.begin(), address.host.end(), IsHostCharacter);
    if (at != std::string_view::npos) port = rest.substr(at);
  }
  if (address.host.empty()) return Refuse(url, "names no host");
  if (!good) return Refuse(url, "has a character that no host name has");
  if (!port.empty()) {
    const std::optional<uint64_t> number = ParseUint64(port.substr(1));
    if (!number || *number == 0 || *number > 65535) return Refuse(url, "has a port out of range");
    address.port = static_cast<uint16_t>(*number);
  }
  return address;
}

}  // namespace driftwarden::directory
