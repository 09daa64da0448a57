// policy replay.

#include <cstdio>

#include "base/strings.h"
#include "daemon/json_text.h"
#include "daemon/text_replay.h"
#include "daemon/verbs.h"
#include "net/url.h"

namespace driftwarden::daemon {

int VerbPolicyReplay(const ClientOptions& options, const PolicyReplayOptions& replay) {
  constexpr absl::Duration kPatience = absl::Minutes(30);
  const auto client = Client::Open(options);
  if (!client.ok()) return Complain(client.status());
  std::string path = Cat("/api/v1/policy/replay?limit=", replay.limit);
  for (const auto& [key, value] :
       {std::pair("from", &replay.from), std::pair("to", &replay.to),
        std::pair("link", &replay.link), std::pair("tier", &replay.tier),
        std::pair("warn", &replay.warn), std::pair("revoke", &replay.revoke),
        std::pair("breach", &replay.breach), std::pair("settle", &replay.settle),
        std::pair("mode", &replay.mode)}) {
    if (!value->empty()) path += Cat("&", key, "=", net::PercentEncode(*value));
  }
  const auto answer = client->Get(path, kPatience);
  if (!answer.ok()) return Complain(answer.status());
  const std::string text = replay.format == "json"  ? PrettyJson(*answer)
                           : replay.format == "csv" ? ReplayCsv(*answer)
                                                    : ReplayText(*answer);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kExitOk;
}

}  // namespace driftwarden::daemon
