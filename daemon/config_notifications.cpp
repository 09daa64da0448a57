#include "daemon/config_sections.h"
#include "net/url.h"

namespace driftwarden::daemon {
namespace {

// Graph's own limit, 41 760 minutes.
constexpr absl::Duration kLongestLifetime = absl::Hours(696);

void ReadPublicUrl(MapReader& section, std::string* out) {
  std::string written;
  section.Text("public_url", &written);
  *out = written;
  while (!out->empty() && out->back() == '/') out->pop_back();
  if (written.empty()) return;
  const auto url = net::ParseUrl(*out);
  if (url.ok() && url->tls() && out->find('?') == std::string::npos) return;
  section.Wrong("public_url", *section.Take("public_url"),
                "https://HOST[:PORT][/PATH], as the tenant reaches it; Graph takes nothing else");
}

}  // namespace

void ReadListen(MapReader& section, std::string_view example, std::string* address,
                uint16_t* port) {
  std::string listen;
  section.Text("listen", &listen);
  if (listen.empty()) return;
  const size_t colon = listen.rfind(':');
  const auto number =
      colon == std::string::npos ? std::nullopt : ParseUint64(listen.substr(colon + 1));
  if (!number || *number > 65535 || colon == 0) {
    section.Wrong("listen", *section.Take("listen"), Cat("ADDRESS:PORT, such as ", example));
    return;
  }
  *address = listen.substr(0, colon);
  if (address->size() > 2 && address->front() == '[' && address->back() == ']') {
    *address = address->substr(1, address->size() - 2);
  }
  *port = static_cast<uint16_t>(*number);
}

void ReadTls(MapReader& section, bool check_files, TlsFiles* tls) {
  MapReader map = section.Map("tls");
  ReadPath(map, "cert_file", check_files, &tls->cert_file);
  ReadPath(map, "key_file", check_files, &tls->key_file);
  ReadPath(map, "client_ca_file", check_files, &tls->client_ca_file);
  map.Finish();
  if (tls->cert_file.empty() != tls->key_file.empty()) {
    section.faults().Add(section.Mark(),
                         Cat(section.Path("tls"), " needs both cert_file and key_file"));
  }
}

void ReadNotifications(MapReader section, bool check_files, GraphNotificationsConfig* out) {
  ReadListen(section, "127.0.0.1:9743", &out->address, &out->port);
  ReadPublicUrl(section, &out->public_url);
  ReadTls(section, check_files, &out->tls);
  section.Duration("lifetime", false, &out->lifetime);
  if (out->lifetime > kLongestLifetime) {
    section.Wrong("lifetime", *section.Take("lifetime"), "at most 696h, Graph's limit");
  }
  if (out->address.empty() != out->public_url.empty()) {
    section.faults().Add(
        section.Mark(),
        Cat(section.Path(out->address.empty() ? "listen" : "public_url"), " is missing; ",
            out->address.empty() ? "add listen: 127.0.0.1:9743, where the notifications come in"
                                 : "add public_url: https://HOST/PATH, as the tenant reaches it"));
  }
  if (!out->address.empty() && !IsLoopbackAddress(out->address) && out->tls.cert_file.empty()) {
    section.faults().Add(section.Mark(), Cat(section.Path("listen"), " ", out->address,
                                             " is not loopback; off loopback ", section.Path("tls"),
                                             " (cert_file, key_file) is required"));
  }
  section.Finish();
}

void CheckNotifications(const Config& config, const std::vector<YAML::Mark>& places,
                        Faults& faults) {
  for (size_t i = 0; i < config.tenants.size(); ++i) {
    const GraphNotificationsConfig& one = config.tenants[i].notifications;
    if (!one.enabled()) continue;
    const bool same_port = one.port != 0 && one.port == config.http.port;
    if (same_port && one.address == config.http.address) {
      faults.Add(places[i],
                 "entra[].notifications.listen is http.listen; give it a port of its "
                 "own, which alone is exposed");
    }
    for (size_t j = 0; j < i; ++j) {
      const GraphNotificationsConfig& other = config.tenants[j].notifications;
      const bool shared = other.address == one.address && other.port == one.port;
      if (!other.enabled() || !shared || other.tls == one.tls) continue;
      faults.Add(places[i],
                 Cat("entra[].notifications.listen is shared with \"", config.tenants[j].name.value,
                     "\"; then tls must be the same in both"));
    }
  }
}

}  // namespace driftwarden::daemon
