// What a broken or hostile domain controller can put on the wire, through a real session: one clear
// error within bounds of time and memory, or an answer that is passed over.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

#include <boost/asio/ip/tcp.hpp>

#include "base/async/lane.h"
#include "base/strings.h"
#include "tests/directory/hostile_dc.h"
#include "tests/directory/run.h"
#include "watchers/directory/observe.h"
#include "watchers/directory/root_dse.h"
#include "watchers/directory/schema.h"
#include "watchers/directory/session_openldap.h"

namespace driftwarden::directory {
namespace {

using simulator::LdapMessage;
using ::testing::HasSubstr;
using Reply = HostileDc::Reply;

// KiB. Sanitizers keep what was freed, and shadows of all of it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int64_t kMemory = int64_t{4} << 20;
#else
constexpr int64_t kMemory = int64_t{1} << 20;
#endif

constexpr uint8_t kEntry = 0x64;
constexpr uint8_t kDone = 0x65;
constexpr uint8_t kReference = 0x73;

// One element with a short length.
std::string Tlv(uint8_t tag, std::string_view inside) {
  return std::string{static_cast<char>(tag), '\x82', static_cast<char>(inside.size() >> 8),
                     static_cast<char>(inside.size())} +
         std::string(inside);
}
std::string Octets(std::string_view text) {
  return Tlv(0x04, text);
}
std::string Attribute(std::string_view name, const std::vector<std::string>& values) {
  std::string set;
  for (const std::string& value : values) set += Octets(value);
  return Tlv(0x30, Octets(name) + Tlv(0x31, set));
}

class HostileAnswers : public ::testing::Test {
 protected:
  // Opens a session if none stands, and searches for people.
  StatusOr<SearchPage> Search(int page_size = 1000) {
    if (session_ == nullptr) {
      auto opened = RunOn(context_, factory_->Open(options_));
      if (!opened.ok()) return opened.status();
      session_ = *std::move(opened);
    }
    SearchRequest request;
    request.base = "DC=corp";
    request.filter = "(objectClass=user)";
    request.page_size = page_size;
    return RunOn(context_, session_->Search(std::move(request)));
  }
  StatusOr<SearchPage> SearchAnswered(HostileDc::Script script, int page_size = 1000) {
    dc_.OnSearch(std::move(script));
    return Search(page_size);
  }
  // What the answer to a search was; and that the session is of no more use after an error of the
  // protocol, while another one works.
  void ExpectBroken(const StatusOr<SearchPage>& page, StatusCode code, const std::string& text) {
    EXPECT_EQ(page.status().code(), code) << page.status();
    EXPECT_THAT(std::string(Message(page.status())), HasSubstr(text));
    EXPECT_THAT(std::string(Message(page.status())), HasSubstr("corp: "));
    EXPECT_THAT(std::string(Message(page.status())), HasSubstr("127.0.0.1:"));
    dc_.OnSearch(HostileDc::Decent);
    EXPECT_EQ(Search().status().code(), StatusCode::kUnavailable);
    session_.reset();
    EXPECT_TRUE(Search().ok()) << "a new session";
  }

  static void ExpectBoundedMemory() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    EXPECT_LT(usage.ru_maxrss, kMemory) << "KiB";
  }

  asio::io_context context_;
  HostileDc dc_{context_};
  SystemClock clock_;
  ThreadLane lane_{"ldap", 2};
  LaneTurns turns_{lane_, 2};
  std::unique_ptr<SessionFactory> factory_ = MakeOpenLdapSessionFactory(turns_, clock_);
  SessionOptions options_ = dc_.Options();
  std::unique_ptr<Session> session_;
};

TEST_F(HostileAnswers, ADecentAnswerIsRead) {
  const auto page = SearchAnswered([](const LdapMessage& request) {
    return Reply{HostileDc::Person(request.id, "ann") + HostileDc::Done(request)};
  });
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->entries.size(), 1U);
  EXPECT_EQ(page->entries[0].dn, "CN=ann,DC=corp");
}

TEST_F(HostileAnswers, BytesThatAreNoLdapEndTheSession) {
  const auto page = SearchAnswered([](const LdapMessage&) {
    return Reply{"HTTP/1.1 400 Bad Request\r\n" + std::string(200, 'x')};
  });
  ExpectBroken(page, StatusCode::kUnavailable, "lost");
}

TEST_F(HostileAnswers, AnEntryWhoseInsideIsNoBerEndsTheSession) {
  for (const std::string& inside :
       {std::string("\x04\x84\xff\xff\xff\xffxx", 8), std::string(40, '\xff'), std::string(),
        Octets("CN=ann"), Octets("CN=ann") + Octets("attributes"),
        Octets("CN=ann") + Tlv(0x30, Tlv(0x30, Octets("cn"))),
        Octets("CN=ann") + Tlv(0x30, Tlv(0x30, Octets("cn") + Tlv(0x31, "\x04\x7f")))}) {
    session_.reset();
    const auto page = SearchAnswered([&](const LdapMessage& request) {
      return Reply{HostileDc::Raw(request.id, kEntry, inside) + HostileDc::Done(request)};
    });
    ExpectBroken(page, StatusCode::kDataLoss, "no LDAP");
  }
}

TEST_F(HostileAnswers, AResultWhoseInsideIsNoBerEndsTheSession) {
  for (const std::string& inside :
       {std::string(), std::string("\x0a\x01", 2), Octets("success"), std::string(64, '\xa0')}) {
    session_.reset();
    const auto page = SearchAnswered([&](const LdapMessage& request) {
      return Reply{HostileDc::Raw(request.id, kDone, inside)};
    });
    EXPECT_FALSE(page.ok());
    dc_.OnSearch(HostileDc::Decent);
    session_.reset();
    EXPECT_TRUE(Search().ok());
  }
}

TEST_F(HostileAnswers, AMessageCutInItsMiddleIsALostConnection) {
  const auto page = SearchAnswered([](const LdapMessage& request) {
    const std::string whole = HostileDc::Person(request.id, "ann");
    return Reply{whole.substr(0, whole.size() / 2), true};
  });
  ExpectBroken(page, StatusCode::kUnavailable, "lost");
}

TEST_F(HostileAnswers, AServerThatStopsInAnEntryIsGivenUp) {
  options_.search_timeout = absl::Milliseconds(300);
  const auto page = SearchAnswered([](const LdapMessage& request) {
    const std::string whole = HostileDc::Person(request.id, "ann");
    return Reply{whole.substr(0, whole.size() / 2)};
  });
  ExpectBroken(page, StatusCode::kDeadlineExceeded, "no complete answer");
}

TEST_F(HostileAnswers, AServerThatNeverAnswersIsGivenUp) {
  options_.search_timeout = absl::Milliseconds(300);
  const auto page = SearchAnswered([](const LdapMessage&) { return Reply(); });
  ExpectBroken(page, StatusCode::kDeadlineExceeded, "no complete answer");
}

// The answer stands in the same record as what is passed over: nothing will wake us for it.
TEST_F(HostileAnswers, AnswersToWhatNobodyAskedArePassedOver) {
  const auto page = SearchAnswered([](const LdapMessage& request) {
    std::string bytes;
    for (const int32_t id : {request.id + 7, 12345, -3, INT32_MAX}) {
      bytes += HostileDc::Person(id, "eve");
    }
    return Reply{bytes + HostileDc::Person(request.id, "ann") +
                 HostileDc::Person(request.id + 1, "eve") + HostileDc::Done(request)};
  });
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->entries.size(), 1U);
  EXPECT_EQ(page->entries[0].dn, "CN=ann,DC=corp");
}

TEST_F(HostileAnswers, AnotherKindOfAnswerEndsTheSession) {
  const auto page = SearchAnswered([](const LdapMessage& request) {
    return Reply{HostileDc::Raw(request.id, 0x69, std::string("\x0a\x01\x00\x04\x00\x04\x00", 7))};
  });
  ExpectBroken(page, StatusCode::kDataLoss, "in answer to a search");
}

TEST_F(HostileAnswers, ANoticeOfDisconnectionIsALostConnection) {
#if defined(__SANITIZE_ADDRESS__)
  const __lsan::ScopedDisabler libldap_forgets_the_notice;  // some hundred bytes a connection
#endif
  const auto page = SearchAnswered([](const LdapMessage&) {
    const std::string result = std::string("\x0a\x01\x34\x04\x00\x04\x00", 7);
    return Reply{HostileDc::Raw(0, 0x78, result + Tlv(0x8a, "1.3.6.1.4.1.1466.20036"))};
  });
  ExpectBroken(page, StatusCode::kUnavailable, "lost (Server is unavailable)");
}

TEST_F(HostileAnswers, AMessageThatAnnouncesTooMuchIsRefusedBeforeItIsRead) {
  for (const std::string& head :
       {std::string("\x30\x84\x01\x00\x00\x01", 6), std::string("\x30\x84\x7f\xff\xff\xff", 6),
        std::string("\x30\x88\x00\x00\x00\x10\x00\x00\x00\x00", 10)}) {
    session_.reset();
    const auto page = SearchAnswered(
        [&](const LdapMessage&) { return Reply{head + std::string("\x02\x01\x02\x64", 4)}; });
    ExpectBroken(page, StatusCode::kDataLoss, "16 MiB");
  }
}

TEST_F(HostileAnswers, AnAnswerWithoutEndIsCutOff) {
  for (const bool empty : {true, false}) {
    session_.reset();
    const auto page = SearchAnswered([&](const LdapMessage& request) {
      const std::string entry = empty
                                    ? HostileDc::Raw(request.id, kEntry, Octets("") + Tlv(0x30, ""))
                                    : HostileDc::Person(request.id, std::string(60000, 'a'));
      std::string many;
      while (many.size() < 200'000) many += entry;
      return Reply{many, false, true};
    });
    ExpectBroken(page, StatusCode::kResourceExhausted, "64 MiB");
  }
  ExpectBoundedMemory();
}

TEST_F(HostileAnswers, AFloodOfReferencesIsCutOff) {
  const auto page = SearchAnswered([](const LdapMessage& request) {
    std::string many;
    while (many.size() < 100'000) {
      many += HostileDc::Raw(request.id, kReference, Octets("ldap://127.0.0.1:9/DC=corp"));
    }
    return Reply{many, false, true};
  });
  ExpectBroken(page, StatusCode::kDataLoss, "references");
}

// They answer no search, so that nothing but the limit would end it.
TEST_F(HostileAnswers, AFloodOfWhatNobodyAskedForEndsTheSession) {
  options_.search_timeout = absl::Seconds(1);
  for (const int32_t id : {0, 4711}) {
    session_.reset();
    const auto page = SearchAnswered([&](const LdapMessage&) {
      std::string many;
      while (many.size() < 100'000) many += HostileDc::Person(id, "eve");
      return Reply{many, false, true};
    });
    EXPECT_FALSE(page.ok()) << id;
    session_.reset();
    dc_.OnSearch(HostileDc::Decent);
    EXPECT_TRUE(Search().ok());
    ExpectBoundedMemory();
  }
}

TEST_F(HostileAnswers, ReferencesAreNotFollowed) {
  using Tcp = boost::asio::ip::tcp;
  Tcp::acceptor elsewhere(context_, {boost::asio::ip::make_address("127.0.0.1"), 0});
  elsewhere.non_blocking(true);
  const std::string there = Cat("ldap://127.0.0.1:", elsewhere.local_endpoint().port(), "/DC=corp");
  const auto page = SearchAnswered([&](const LdapMessage& request) {
    return Reply{HostileDc::Person(request.id, "ann") +
                 HostileDc::Raw(request.id, kReference, Octets(there)) + HostileDc::Done(request)};
  });
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->entries.size(), 1U);
  const auto referred = SearchAnswered([&](const LdapMessage& request) {
    const std::string result("\x0a\x01\x0a\x04\x00\x04\x00", 7);
    return Reply{HostileDc::Raw(request.id, kDone, result + Tlv(0xa3, Octets(there)))};
  });
  EXPECT_EQ(referred.status().code(), StatusCode::kFailedPrecondition) << referred.status();
  EXPECT_THAT(std::string(Message(referred.status())), HasSubstr("referral"));
  boost::system::error_code error;
  const Tcp::socket nobody = elsewhere.accept(error);
  EXPECT_EQ(error, boost::asio::error::would_block) << "somebody came";
}

TEST_F(HostileAnswers, APageThatIsFullAndHasNoCookieIsNotTheLastOne) {
  const auto page = SearchAnswered(
      [](const LdapMessage& request) {
        LdapMessage unpaged = request;
        unpaged.controls.clear();
        return Reply{HostileDc::Person(request.id, "ann") + HostileDc::Person(request.id, "bob") +
                     HostileDc::Done(unpaged)};
      },
      2);
  EXPECT_EQ(page.status().code(), StatusCode::kDataLoss) << page.status();
}

TEST_F(HostileAnswers, APagingControlThatIsNoneIsAnError) {
  for (const std::string& value : {std::string(), std::string("\x30\x84\xff\xff\xff\xff", 6),
                                   std::string("cookie"), std::string("\x30\x03\x02\x01\x00", 5)}) {
    session_.reset();
    const auto page = SearchAnswered([&](const LdapMessage& request) {
      return Reply{simulator::EncodeLdapResult(
          request, {}, {{std::string(simulator::kControlPaged), false, value}})};
    });
    EXPECT_EQ(page.status().code(), StatusCode::kDataLoss) << page.status();
  }
}

TEST_F(HostileAnswers, BytesInNamesHarmNobodyElse) {
  const std::string dn("CN=a\0b\xff\xfe\r\n,DC=corp", 17);
  const auto page = SearchAnswered([&](const LdapMessage& request) {
    const std::string attributes =
        Attribute("objectClass", {"top", "person", "user"}) +
        Attribute("objectGUID", {std::string(16, 'g')}) +
        Attribute("sAMAccountName", {std::string("x\0\x1b[31m\xc3(", 9)}) +
        Attribute("userAccountControl", {"514"}) + Attribute(std::string("c\0n", 3), {"?"}) +
        Attribute("", {"no name"}) + Attribute("uSNChanged", {"7"});
    return Reply{HostileDc::Raw(request.id, kEntry, Octets(dn) + Tlv(0x30, attributes)) +
                 HostileDc::Person(request.id, "ann") + HostileDc::Done(request)};
  });
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->entries.size(), 2U);
  EXPECT_EQ(page->entries[0].dn, dn);
  const auto view = ObserveAccount(page->entries[0], {});
  ASSERT_TRUE(view.ok() && view->has_value()) << view.status();
  EXPECT_EQ((*view)->Disabled(), true);
  EXPECT_EQ((*view)->sam_account_name->find('\0'), std::string::npos);
  EXPECT_EQ((*view)->dn->find_first_of(std::string_view("\0\r\n", 3)), std::string::npos);
}

TEST_F(HostileAnswers, TheOptionBinaryIsNoPartOfAName) {
  const auto page = SearchAnswered([](const LdapMessage& request) {
    simulator::LdapEntry entry;
    entry.dn = "CN=ann,DC=corp";
    entry.Add("replPropertyMetaData;binary", "raw");
    entry.Add("userCertificate;Binary;lang-de", "raw");
    entry.Add("msDS-ReplAttributeMetaData;binary", "a structure");
    return Reply{simulator::EncodeLdapEntry(request.id, entry, false) + HostileDc::Done(request)};
  });
  ASSERT_TRUE(page.ok()) << page.status();
  const Entry& entry = page->entries.at(0);
  EXPECT_NE(entry.First("replpropertymetadata"), nullptr);
  EXPECT_NE(entry.First("usercertificate;lang-de"), nullptr);
  EXPECT_EQ(entry.First("msds-replattributemetadata"), nullptr) << "that would be XML";
}

TEST_F(HostileAnswers, AnAttributeThatComesTwiceIsRefusedWithItsEntryAlone) {
  const auto page = SearchAnswered([&](const LdapMessage& request) {
    const std::string attributes = Attribute("objectClass", {"top", "person", "user"}) +
                                   Attribute("objectGUID", {std::string(16, 'g')}) +
                                   Attribute("userAccountControl", {"512"}) +
                                   Attribute("USERACCOUNTCONTROL", {"514"});
    return Reply{HostileDc::Raw(request.id, kEntry, Octets("CN=two") + Tlv(0x30, attributes)) +
                 HostileDc::Person(request.id, "ann") + HostileDc::Done(request)};
  });
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->entries.size(), 2U);
  EXPECT_EQ(ObserveAccount(page->entries[0], {}).status().code(), StatusCode::kDataLoss);
  EXPECT_TRUE(ObserveAccount(page->entries[1], {}).ok());
}

TEST_F(HostileAnswers, ANamingContextThatIsNoNameIsRefused) {
  for (const std::string& context : {std::string("DC=corp\0,DC=evil", 16), std::string("\0", 1),
                                     std::string(70000, 'a'), std::string("DC=corp\r\nDC=evil")}) {
    session_.reset();
    dc_.OnSearch([&](const LdapMessage& request) {
      if (!request.name.empty()) return HostileDc::Decent(request);
      simulator::LdapEntry root;
      root.Add("dsServiceName", "CN=NTDS Settings");
      root.Add("highestCommittedUSN", "100");
      root.Add("defaultNamingContext", context);
      root.Add("currentTime", "20261121020200.0Z");
      return Reply{simulator::EncodeLdapEntry(request.id, root, false) + HostileDc::Done(request)};
    });
    ASSERT_TRUE(Search().ok());
    const auto state = RunOn(context_, ReadServerState(*session_, clock_));
    EXPECT_EQ(state.status().code(), StatusCode::kDataLoss) << state.status();
  }
}

TEST_F(HostileAnswers, ABaseWithANulIsNeverSentShortened) {
  ASSERT_TRUE(Search().ok());
  SearchRequest request;
  request.base = std::string("DC=corp\0,DC=evil", 16);
  const auto page = RunOn(context_, session_->Search(std::move(request)));
  EXPECT_EQ(page.status().code(), StatusCode::kDataLoss) << page.status();
}

TEST_F(HostileAnswers, AFloodUnderANotificationSearchLeavesTimeToOthers) {
  dc_.OnSearch([](const LdapMessage& request) {
    std::string many;
    while (many.size() < 100'000) {
      many += HostileDc::Raw(request.id, kReference, Octets("ldap://127.0.0.1:9/DC=corp"));
    }
    return Reply{many, false, true};
  });
  auto opened = RunOn(context_, factory_->Open(options_));
  ASSERT_TRUE(opened.ok()) << opened.status();
  SearchRequest request;
  request.base = "DC=corp";
  request.page_size = 0;
  ASSERT_TRUE(RunOn(context_, (*opened)->Watch(std::move(request))).ok());
  const auto heard = RunOn(context_, (*opened)->Next(absl::Seconds(30)));
  EXPECT_EQ(heard.status().code(), StatusCode::kDataLoss) << heard.status();
}

TEST_F(HostileAnswers, ABindAnsweredWithNonsenseIsRefusedInTime) {
  options_.network_timeout = absl::Milliseconds(600);
  const std::vector<HostileDc::Script> scripts = {
      [](const LdapMessage&) { return Reply{"no LDAP at all"}; },
      [](const LdapMessage&) { return Reply{std::string("\x30\x84\x7f\xff\xff\xff", 6)}; },
      [](const LdapMessage&) {
        return Reply{"", true};
      },
      [](const LdapMessage&) { return Reply(); },
      [](const LdapMessage& m) { return Reply{HostileDc::Person(m.id, "ann")}; },
      [](const LdapMessage& m) {
        return Reply{HostileDc::Person(m.id + 1, "ann"), false, true};
      },
      [](const LdapMessage& m) { return Reply{HostileDc::Raw(m.id, 0x61, "\x0a\x01")}; },
      [](const LdapMessage&) {
        return Reply{HostileDc::Raw(0, 0x61, "\x0a\x01"), false, true};
      }};
  for (size_t i = 0; i < scripts.size(); ++i) {
    dc_.OnBind(scripts[i]);
    const absl::Duration begun = clock_.Steady();
    const auto opened = RunOn(context_, factory_->Open(options_));
    EXPECT_FALSE(opened.ok()) << i;
    EXPECT_THAT(std::string(Message(opened.status())), HasSubstr("corp: ")) << i;
    EXPECT_THAT(std::string(Message(opened.status())), HasSubstr("127.0.0.1:")) << i;
    EXPECT_LT(clock_.Steady() - begun, absl::Seconds(10)) << i;
  }
}

}  // namespace
}  // namespace driftwarden::directory
