#include "watchers/directory/dc_locator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/strings.h"
#include "tests/directory/run.h"

namespace driftwarden::directory {
namespace {

using ::testing::HasSubstr;

std::string U16(size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

std::string Name(const std::string& text) {
  std::string out;
  for (const std::string& label : SplitString(text, '.')) {
    out += static_cast<char>(label.size());
    out += label;
  }
  return out + '\0';
}

// One SRV record; its owner is the question's name.
std::string Srv(const DcRecord& dc) {
  const std::string data = U16(dc.priority) + U16(dc.weight) + U16(dc.port) + Name(dc.host);
  return U16(0xc00c) + U16(33) + U16(1) + std::string(4, '\0') + U16(data.size()) + data;
}

// The question with `answers` behind it.
std::string Answer(const std::string& question, const std::vector<std::string>& answers,
                   int flags = 0x8180) {
  std::string out = question.substr(0, 2) + U16(static_cast<size_t>(flags)) + U16(1) +
                    U16(answers.size()) + std::string(4, '\0');
  const size_t end = question.find('\0', 12) + 5;
  out += question.substr(12, end - 12);
  for (const std::string& answer : answers) out += answer;
  return out;
}

// A name server on loopback whose answers a test writes; empty: none.
class NameServer {
 public:
  using Answerer = std::function<std::string(const std::string& question, bool tcp)>;

  explicit NameServer(Answerer answerer)
      : answerer_(std::move(answerer)),
        tcp_(io_, {asio::ip::make_address("127.0.0.1"), 0}),
        udp_(io_, {asio::ip::make_address("127.0.0.1"), tcp_.local_endpoint().port()}) {
    asio::co_spawn(io_, Udp(), asio::detached);
    asio::co_spawn(io_, Tcp(), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
  }
  ~NameServer() {
    io_.stop();
    thread_.join();
  }
  std::string address() const { return Cat("127.0.0.1:", udp_.local_endpoint().port()); }
  int over_tcp() const { return over_tcp_; }

 private:
  asio::awaitable<void> Udp() {
    std::array<char, 4096> bytes;
    while (true) {
      asio::ip::udp::endpoint from;
      const size_t size =
          co_await udp_.async_receive_from(asio::buffer(bytes), from, asio::use_awaitable);
      const std::string answer = answerer_(std::string(bytes.data(), size), false);
      if (answer.empty()) continue;
      co_await udp_.async_send_to(asio::buffer(answer), from, asio::use_awaitable);
    }
  }
  asio::awaitable<void> Tcp() {
    while (true) {
      asio::ip::tcp::socket socket = co_await tcp_.async_accept(asio::use_awaitable);
      ++over_tcp_;
      std::array<unsigned char, 2> length;
      co_await asio::async_read(socket, asio::buffer(length), asio::use_awaitable);
      std::string question(static_cast<size_t>(length[0] << 8 | length[1]), '\0');
      co_await asio::async_read(socket, asio::buffer(question), asio::use_awaitable);
      const std::string answer = answerer_(question, true);
      const std::string framed = U16(answer.size()) + answer;
      co_await asio::async_write(socket, asio::buffer(framed), asio::use_awaitable);
    }
  }

  Answerer answerer_;
  asio::io_context io_;
  // First TCP: its ports are the rare ones, connections of other processes use them too.
  asio::ip::tcp::acceptor tcp_;
  asio::ip::udp::socket udp_;
  std::atomic<int> over_tcp_{0};
  std::thread thread_;
};

StatusOr<std::vector<DcRecord>> Locate(const NameServer& server,
                                       const std::string& domain = "corp.example") {
  asio::io_context context;  // outlives the lane, whose work still holds on to it when it is done
  ThreadLane lane("dns", 2);
  LaneTurns turns(lane, 2);
  SeededRng rng(1);
  DnsOptions options;
  options.name_server = server.address();
  options.patience = absl::Seconds(1);
  const auto locator = MakeDnsDcLocator(options, turns, rng);
  return RunOn(context, locator->Locate(domain));
}

TEST(DcLocator, AsksForTheDomainsControllersInTheirOrder) {
  std::mutex mutex;  // the server answers on a thread of its own
  std::string asked;
  const NameServer server([&](const std::string& question, bool) {
    const std::lock_guard lock(mutex);
    asked = question.substr(12);
    return Answer(question, {Srv({10, 100, 389, "far.corp.example"}),
                             Srv({0, 100, 3389, "near.corp.example"})});
  });
  const auto found = Locate(server);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0], (DcRecord{0, 100, 3389, "near.corp.example"}));
  EXPECT_EQ((*found)[1], (DcRecord{10, 100, 389, "far.corp.example"}));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(asked.substr(0, asked.find('\0') + 1), Name("_ldap._tcp.dc._msdcs.corp.example"));
  EXPECT_EQ(server.over_tcp(), 0);
}

TEST(DcLocator, AnAnswerThatIsCutIsAskedForAgainOverTcp) {
  const NameServer server([](const std::string& question, bool tcp) {
    std::vector<std::string> all;
    for (int i = 0; tcp && i < 200; ++i)
      all.push_back(Srv({0, 1, 389, Cat("dc", i, ".corp.example")}));
    return Answer(question, all, tcp ? 0x8180 : 0x8380);
  });
  const auto found = Locate(server);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->size(), 200u);
  EXPECT_EQ(server.over_tcp(), 1);
}

TEST(DcLocator, TellsApartWhyThereIsNone) {
  const NameServer unknown(
      [](const std::string& question, bool) { return Answer(question, {}, 0x8183); });
  const auto none = Locate(unknown);
  EXPECT_EQ(none.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(std::string(Message(none.status())), HasSubstr("_msdcs.corp.example"));
  const NameServer nothing([](const std::string& question, bool) { return Answer(question, {}); });
  EXPECT_EQ(Locate(nothing).status().code(), StatusCode::kNotFound);
  const NameServer gone([](const std::string& question, bool) {
    return Answer(question, {Srv({0, 0, 0, ""})});
  });
  EXPECT_EQ(Locate(gone).status().code(), StatusCode::kNotFound);
  const NameServer broken(
      [](const std::string& question, bool) { return Answer(question, {}, 0x8182); });
  EXPECT_EQ(Locate(broken).status().code(), StatusCode::kUnavailable);
  const NameServer silent([](const std::string&, bool) { return std::string(); });
  EXPECT_EQ(Locate(silent).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(Locate(silent, "corp example").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Locate(silent, "").status().code(), StatusCode::kInvalidArgument);
}

TEST(DcLocator, HostileAnswersGiveNoNames) {
  // Names that are none, records that end early, names that point at themselves.
  const std::string loop = U16(0xc00c) + U16(33) + U16(1) + std::string(4, '\0') + U16(8) + U16(0) +
                           U16(0) + U16(389) + U16(0xc0ff);
  const std::string brief =
      U16(0xc00c) + U16(33) + U16(1) + std::string(4, '\0') + U16(3) + std::string(3, '\1');
  const std::string beyond = U16(0xc00c) + U16(33) + U16(1) + std::string(4, '\0') + U16(60000);
  for (const std::string& bad :
       {Srv({0, 0, 389, "dc1/evil"}), Srv({0, 0, 389, "dc1 evil"}), Srv({0, 0, 389, "-x"}),
        Srv({0, 0, 389, "dc1\n"}), Srv({0, 0, 389, "a:1@b"}), loop, brief, beyond}) {
    const NameServer server(
        [&bad](const std::string& question, bool) { return Answer(question, {bad}); });
    const auto found = Locate(server);
    EXPECT_FALSE(found.ok()) << found->front().host;
  }
  SeededRng rng(7);
  int good = 0;
  const NameServer noisy([&](const std::string& question, bool) {
    std::string answer = Answer(question, {Srv({0, 1, 389, "dc1.corp.example"})});
    for (int i = 0; i < 3; ++i) {
      answer[question.size() + rng.Below(answer.size() - question.size())] =
          static_cast<char>(rng.Next());
    }
    return answer;
  });
  for (int i = 0; i < 200; ++i) good += Locate(noisy).ok() ? 1 : 0;
  EXPECT_GT(good, 0) << "some bytes do not matter";
}

TEST(DcLocator, EqualsAreDrawnByWeight) {
  SeededRng rng(3);
  std::map<std::string, int> first;
  for (int i = 0; i < 4000; ++i) {
    const auto order = InOrder({{0, 30, 389, "heavy"},
                                {0, 10, 389, "light"},
                                {1, 99, 389, "far"},
                                {0, 10, 389, "light"},
                                {0, 0, 389, "never"}},
                               rng);
    ASSERT_EQ(order.size(), 4u) << "named twice is one";
    EXPECT_EQ(order[3].host, "far");
    ++first[order[0].host];
  }
  EXPECT_NEAR(first["heavy"], 2900, 200);
  EXPECT_NEAR(first["light"], 1000, 200);
  EXPECT_GT(first["never"], 0);
  EXPECT_EQ(first.count("far"), 0u);
}

TEST(DcLocator, TheDomainOfADn) {
  EXPECT_EQ(DomainOfDn("OU=Staff,DC=corp,DC=example"), "corp.example");
  EXPECT_EQ(DomainOfDn("ou=staff, dc=Corp, dc=example"), "Corp.example");
  EXPECT_EQ(DomainOfDn("CN=x,DC=sub,OU=odd,DC=example"), "example");
  for (const char* none : {"", "svc-drift", "CORP\\svc", "OU=Staff", ",,,", "=,="}) {
    EXPECT_EQ(DomainOfDn(none), "") << none;
  }
}

TEST(DcLocator, ANameServerIsAnAddress) {
  for (const char* good : {"127.0.0.1", "10.0.0.53:53", "10.0.0.53:65535"}) {
    EXPECT_TRUE(IsNameServer(good)) << good;
  }
  for (const char* bad : {"", "dns.corp.example", "10.0.0.53:", "10.0.0.53:0", "10.0.0.53:65536",
                          "10.0.0.53:x", "::1", "10.0.0"}) {
    EXPECT_FALSE(IsNameServer(bad)) << bad;
  }
}

}  // namespace
}  // namespace driftwarden::directory
