#include "simulator/remains.h"

namespace driftwarden::simulator {
namespace {

constexpr std::pair<Remain, std::string_view> kRemainNames[] = {
    {Remain::kMemberOf, "member_of"},         {Remain::kEligibleRoles, "eligible_roles"},
    {Remain::kOwnedObjects, "owned_objects"}, {Remain::kGrants, "oauth_grants"},
    {Remain::kLicences, "licences"},          {Remain::kMethods, "authentication_methods"},
};

}  // namespace

std::string_view RemainText(Remain part) {
  for (const auto& [known, name] : kRemainNames) {
    if (known == part) return name;
  }
  return "";
}

std::optional<Remain> RemainFromText(std::string_view text) {
  for (const auto& [part, name] : kRemainNames) {
    if (name == text) return part;
  }
  return std::nullopt;
}

const std::vector<std::string>& Remains::Of(uint64_t person, Remain part) const {
  static const std::vector<std::string> kNothing;
  static const std::vector<std::string> kEverybody = {
      R"({"@odata.type":"#microsoft.graph.group","id":"5f1d2c7a-0000-4000-8000-00000000aaaa",)"
      R"("displayName":"Everybody","securityEnabled":true,"mailEnabled":false,"groupTypes":[],)"
      R"("onPremisesSyncEnabled":true,"isAssignableToRole":null})"};
  static const std::vector<std::string> kOffice = {
      R"({"id":"licence-1","skuId":"06ebc4ee-1bb5-47dd-8120-11324bc54e06",)"
      R"("skuPartNumber":"SPE_E5"})"};
  static const std::vector<std::string> kPassword = {
      R"({"@odata.type":"#microsoft.graph.passwordAuthenticationMethod",)"
      R"("id":"28c10230-6103-485e-b985-444c60001490","password":null,)"
      R"("createdDateTime":"2024-01-01T00:00:00Z"})"};
  if (const auto set = set_.find({person, part}); set != set_.end()) return set->second;
  if (part == Remain::kMemberOf) return kEverybody;
  if (part == Remain::kLicences) return kOffice;
  if (part == Remain::kMethods) return kPassword;
  return kNothing;
}

}  // namespace driftwarden::simulator
