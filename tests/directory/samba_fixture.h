#pragma once

// A real domain controller, provisioned and stopped by tests/system; named in the environment.
// Writes go through a handle of the fixture's own as an administrator.

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/async/lane_turns.h"
#include "base/time.h"
#include "watchers/directory/handle_openldap.h"
#include "watchers/directory/session.h"

namespace driftwarden::directory {

class SambaTest : public ::testing::Test {
 protected:
  SambaTest();
  ~SambaTest() override;
  void SetUp() override;
  void TearDown() override;

  // DRIFTWARDEN_TEST_DC_<name>; missing is a failure, never a skip.
  static std::string Environment(const char* name);
  static std::string Base() { return Environment("BASE"); }
  SessionOptions Options() const;  // LDAPS, the right CA and password
  // The same server on the plain port.
  static std::string PlainUrl();

  StatusOr<std::unique_ptr<Session>> Open(SessionOptions options);
  StatusOr<SearchPage> Search(Session& session, SearchRequest request);

  std::string AddUser(const std::string& name);  // enabled; gives the DN
  // A plain account that binds with `password`; gives the name to bind by.
  std::string AddReader(const std::string& name, const std::string& password);
  void Modify(const std::string& dn, const std::string& attribute, const std::string& value);
  void Delete(const std::string& dn);
  // A name that no other run has used.
  std::string Unique(const std::string& stem) const;

  SystemClock clock_;
  asio::io_context context_;
  ThreadLane lane_{"ldap", 2};
  LaneTurns turns_{lane_, 2};
  std::unique_ptr<SessionFactory> factory_;

 private:
  std::unique_ptr<BoundHandle> admin_;
  std::vector<std::string> made_;
};

}  // namespace driftwarden::directory
