#include "tests/directory/samba_fixture.h"

#include <fcntl.h>
#include <ldap.h>

#include <cstdlib>

#include "base/rng.h"
#include "base/strings.h"
#include "tests/directory/run.h"
#include "watchers/directory/handle_openldap.h"
#include "watchers/directory/server_address.h"
#include "watchers/directory/session_openldap.h"

namespace driftwarden::directory {
namespace {

// libldap's mutable C strings, alive as long as this.
struct Modification {
  Modification(int op, std::string type, std::vector<std::string> texts)
      : type_(std::move(type)), texts_(std::move(texts)) {
    for (std::string& text : texts_) bytes_.push_back({text.size(), text.data()});
    for (berval& value : bytes_) values_.push_back(&value);
    values_.push_back(nullptr);
    mod.mod_op = op | LDAP_MOD_BVALUES;
    mod.mod_type = type_.data();
    mod.mod_bvalues = values_.data();
  }
  Modification(const Modification&) = delete;
  Modification& operator=(const Modification&) = delete;
  LDAPMod mod{};

 private:
  std::string type_;
  std::vector<std::string> texts_;
  std::vector<berval> bytes_;
  std::vector<berval*> values_;
};

}  // namespace

SambaTest::SambaTest() = default;
SambaTest::~SambaTest() = default;

std::string SambaTest::Environment(const char* name) {
  const std::string full = Cat("DRIFTWARDEN_TEST_DC_", name);
  const char* const value = std::getenv(full.c_str());
  if (value == nullptr) ADD_FAILURE() << full << " is not set; tests/system runs this binary";
  return value == nullptr ? "" : value;
}

SessionOptions SambaTest::Options() const {
  SessionOptions options;
  options.source = "corp";
  options.server = Environment("URL");
  options.ca_file = Environment("CA");
  options.bind.user = Environment("USER");
  options.bind.password_file = Environment("PASSWORD_FILE");
  options.search_timeout = absl::Seconds(30);
  return options;
}

std::string SambaTest::PlainUrl() {
  const auto address = ParseServerAddress(Environment("URL"));
  return address.ok() ? Cat("ldap://", address->host) : "";
}

std::string SambaTest::Unique(const std::string& stem) const {
  SystemRng rng;
  return Cat(stem, '-', rng.Below(1'000'000'000));
}

void SambaTest::SetUp() {
  factory_ = MakeOpenLdapSessionFactory(turns_, clock_);
  auto bound = OpenHandleBlocking(Options(), clock_);
  ASSERT_TRUE(bound.ok()) << bound.status();
  admin_ = std::make_unique<BoundHandle>(std::move(*bound));
  // The fixture waits for its answers, where a session must not.
  const int flags = ::fcntl(admin_->fd, F_GETFL);
  ASSERT_EQ(::fcntl(admin_->fd, F_SETFL, flags & ~O_NONBLOCK), 0);
}

void SambaTest::TearDown() {
  if (admin_ == nullptr) return;
  for (const std::string& dn : made_)
    ldap_delete_ext_s(admin_->handle.get(), dn.c_str(), nullptr, nullptr);
}

StatusOr<std::unique_ptr<Session>> SambaTest::Open(SessionOptions options) {
  return RunOn(context_, factory_->Open(std::move(options)));
}

StatusOr<SearchPage> SambaTest::Search(Session& session, SearchRequest request) {
  return RunOn(context_, session.Search(std::move(request)));
}

std::string SambaTest::AddUser(const std::string& name) {
  const std::string dn = Cat("CN=", name, ",CN=Users,", Base());
  Modification object_class(LDAP_MOD_ADD, "objectClass", {"user"});
  Modification sam(LDAP_MOD_ADD, "sAMAccountName", {name});
  Modification control(LDAP_MOD_ADD, "userAccountControl", {"544"});  // enabled, no password
  LDAPMod* mods[] = {&object_class.mod, &sam.mod, &control.mod, nullptr};
  const int code = ldap_add_ext_s(admin_->handle.get(), dn.c_str(), mods, nullptr, nullptr);
  EXPECT_EQ(code, LDAP_SUCCESS) << dn << ": " << ldap_err2string(code);
  made_.push_back(dn);
  return dn;
}

std::string SambaTest::AddReader(const std::string& name, const std::string& password) {
  const std::string dn = AddUser(name);
  std::string quoted;
  for (const char c : Cat('"', password, '"')) quoted += std::string{c, '\0'};
  Modify(dn, "unicodePwd", quoted);
  return dn;
}

void SambaTest::Modify(const std::string& dn, const std::string& attribute,
                       const std::string& value) {
  Modification change(LDAP_MOD_REPLACE, attribute, {value});
  LDAPMod* mods[] = {&change.mod, nullptr};
  const int code = ldap_modify_ext_s(admin_->handle.get(), dn.c_str(), mods, nullptr, nullptr);
  EXPECT_EQ(code, LDAP_SUCCESS) << dn << ": " << ldap_err2string(code);
}

void SambaTest::Delete(const std::string& dn) {
  const int code = ldap_delete_ext_s(admin_->handle.get(), dn.c_str(), nullptr, nullptr);
  EXPECT_EQ(code, LDAP_SUCCESS) << dn << ": " << ldap_err2string(code);
  std::erase(made_, dn);
}

}  // namespace driftwarden::directory
