#pragma once

// The people of one forest: a pure function of (seed, index), in both directions, so that ten
// million cost no memory. What happened to them is kept elsewhere (Directory, Tenant).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace driftwarden::simulator {

struct PeopleOptions {
  uint64_t seed = 1;
  uint64_t count = 1000;
  std::string domain = "corp.example";  // DNS name; the naming context follows from it
  std::string netbios = "CORP";
  uint64_t tier0_every = 500;  // one person in so many is an administrator; 0: nobody
  // One person in so many has been disabled on both sides since before the start; 0: nobody.
  uint64_t leavers_every = 0;
};

struct Person {
  uint64_t index = 0;
  std::string sam;  // u0000123
  std::string upn;  // u0000123@corp.example
  std::string given_name;
  std::string surname;
  std::string display_name;  // "Ada Byron"
  std::string cn;            // "Ada Byron (u0000123)"
  std::string parent_dn;     // the organizational unit
  std::string dn;
  std::string object_guid;   // 16 raw bytes
  std::string object_sid;    // raw
  std::string immutable_id;  // base64 of object_guid
  bool tier0 = false;        // adminCount=1, in OU=Tier0
  bool left_before = false;  // disabled on both sides before the start
};

class People {
 public:
  explicit People(PeopleOptions options);

  uint64_t count() const { return options_.count; }
  const PeopleOptions& options() const { return options_; }
  const std::string& base_dn() const { return base_dn_; }  // DC=corp,DC=example
  const std::string& domain_sid() const { return domain_sid_; }
  bool IsTier0(uint64_t index) const;
  bool LeftBefore(uint64_t index) const;

  // index < count().
  Person At(uint64_t index) const;
  std::string SamOf(uint64_t index) const;
  std::string GuidOf(uint64_t index) const;

  // Each is arithmetic, never a search. Nothing when nobody has that name or identifier.
  std::optional<uint64_t> BySam(std::string_view sam) const;  // case-insensitive
  std::optional<uint64_t> ByUpn(std::string_view upn) const;
  std::optional<uint64_t> ByGuid(std::string_view raw) const;
  std::optional<uint64_t> BySid(std::string_view raw) const;
  std::optional<uint64_t> ByDn(std::string_view dn) const;  // the live DN

 private:
  std::optional<uint64_t> Existing(uint64_t index) const;

  PeopleOptions options_;
  std::string base_dn_;
  std::string domain_sid_;
};

}  // namespace driftwarden::simulator
