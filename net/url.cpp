#include "net/url.h"

#include "base/strings.h"

namespace driftwarden::net {
namespace {

constexpr size_t kUrlLimit = 32768;  // delta links are long, but not that long

Status Bad(std::string_view text, std::string_view why) {
  return InvalidError(Cat("\"", Printable(text, 200), "\" is not a usable URL: ", why));
}

uint16_t DefaultPort(std::string_view scheme) {
  return scheme == "https" ? 443 : 80;
}

bool IsUnreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// unix:/run/x.sock or unix:/run/x.sock:/target
StatusOr<Url> ParseUnix(std::string_view text, std::string_view rest) {
  Url url;
  url.scheme = "unix";
  const size_t split = rest.find(":/");
  url.host = std::string(rest.substr(0, split));
  url.target = split == std::string_view::npos ? "/" : std::string(rest.substr(split + 1));
  if (url.host.empty() || url.host[0] != '/') return Bad(text, "unix: needs an absolute path");
  return url;
}

// Splits "host:port" or "[v6]:port"; false when it is neither.
bool ParseAuthority(std::string_view authority, Url& url) {
  std::string_view port;
  if (!authority.empty() && authority[0] == '[') {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return false;
    url.host = ToLowerAscii(authority.substr(1, close - 1));
    if (url.host.find_first_not_of("0123456789abcdef:.") != std::string::npos) return false;
    authority.remove_prefix(close + 1);
    if (!authority.empty() && authority[0] != ':') return false;
    port = authority;
  } else {
    const size_t colon = authority.find(':');
    url.host = ToLowerAscii(authority.substr(0, colon));
    for (const char c : url.host) {
      if (!IsUnreserved(c)) return false;
    }
    if (colon != std::string_view::npos) port = authority.substr(colon);
  }
  if (url.host.empty()) return false;
  if (port.size() <= 1) {
    url.port = DefaultPort(url.scheme);
    return true;
  }
  const auto number = ParseUint64(port.substr(1));
  if (!number.has_value() || *number == 0 || *number > 65535) return false;
  url.port = static_cast<uint16_t>(*number);
  return true;
}

StatusOr<std::string> DecodeFormPart(std::string_view text) {
  std::string spaced(text);
  for (char& c : spaced) {
    if (c == '+') c = ' ';
  }
  return PercentDecode(spaced);
}

}  // namespace

std::string Url::Authority() const {
  if (unix_socket()) return host;
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? Cat("[", host, "]:", port) : Cat(host, ":", port);
}

std::string Url::HostHeader() const {
  if (unix_socket()) return "localhost";
  if (port != DefaultPort(scheme)) return Authority();
  return host.find(':') != std::string::npos ? Cat("[", host, "]") : host;
}

StatusOr<Url> ParseUrl(std::string_view text) {
  if (text.size() > kUrlLimit) return Bad(text, "too long");
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '\\') {
      return Bad(text, "space, control byte or backslash");
    }
  }
  if (text.find('#') != std::string_view::npos) return Bad(text, "a fragment has no place here");
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return Bad(text, "no scheme (https://host...)");
  Url url;
  url.scheme = ToLowerAscii(text.substr(0, colon));
  std::string_view rest = text.substr(colon + 1);
  if (url.scheme == "unix") return ParseUnix(text, rest);
  if (url.scheme != "http" && url.scheme != "https") {
    return Bad(text, "the scheme must be https, http or unix");
  }
  if (rest.substr(0, 2) != "//") return Bad(text, "\"//\" must follow the scheme");
  rest.remove_prefix(2);
  const size_t end = rest.find_first_of("/?");
  const std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos) {
    return Bad(text, "credentials have no place in a URL");
  }
  if (!ParseAuthority(authority, url)) return Bad(text, "bad host or port");
  if (end == std::string_view::npos) {
    url.target = "/";
  } else {
    url.target = rest[end] == '?' ? Cat("/", rest.substr(end)) : std::string(rest.substr(end));
  }
  return url;
}

bool SameOrigin(const Url& a, const Url& b) {
  return a.scheme == b.scheme && a.host == b.host && a.port == b.port;
}

bool SameOrigin(std::string_view a, std::string_view b) {
  const auto first = ParseUrl(a);
  const auto second = ParseUrl(b);
  return first.ok() && second.ok() && SameOrigin(*first, *second);
}

std::string PercentEncode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
    }
  }
  return out;
}

StatusOr<std::string> PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return InvalidError(Cat("broken %XX in \"", Printable(text, 100), "\""));
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

std::string FormEncode(const QueryPairs& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out.push_back('&');
    out += Cat(PercentEncode(name), "=", PercentEncode(value));
  }
  return out;
}

StatusOr<QueryPairs> ParseQuery(std::string_view query) {
  QueryPairs pairs;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    DW_ASSIGN_OR_RETURN(std::string name, DecodeFormPart(part.substr(0, equals)));
    std::string value;
    if (equals != std::string_view::npos) {
      DW_ASSIGN_OR_RETURN(value, DecodeFormPart(part.substr(equals + 1)));
    }
    pairs.emplace_back(std::move(name), std::move(value));
  }
  return pairs;
}

StatusOr<std::vector<std::string>> SplitPath(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    if (path[0] == '/') path.remove_prefix(1);
    if (path.empty()) break;
    const size_t end = path.find('/');
    DW_ASSIGN_OR_RETURN(std::string segment, PercentDecode(path.substr(0, end)));
    segments.push_back(std::move(segment));
    path.remove_prefix(end == std::string_view::npos ? path.size() : end);
  }
  return segments;
}

}  // namespace driftwarden::net
