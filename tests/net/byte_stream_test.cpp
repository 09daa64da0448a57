#include "net/byte_stream.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "base/time.h"
#include "net/socket_stream.h"
#include "tests/async/run_loop.h"

namespace driftwarden::net {
namespace {

class ByteStreamTest : public ::testing::Test {
 protected:
  ByteStreamTest() {
    const absl::Time now = SystemClock().Wall();
    const auto ca = MakeCa("CA", now);
    const auto identity = IssueServerCertificate(*ca, {"localhost"}, {"127.0.0.1"}, now);
    EXPECT_TRUE(identity.ok());
    ca_pem_ = ca->certificate_pem;
    config_ = TlsServerConfig(*identity);
  }

  // Both ends of a fresh connection.
  void Connect(bool with_certificate) {
    ListenOptions options;
    if (with_certificate) options.tls = config_;
    listener_ = *NewStreamListener(loop_.executor(), options);
    dialer_ = *NewDialer(loop_.executor(), DialerOptions());
    DialTarget target("127.0.0.1", listener_->port(), false);
    auto dialed = loop_.Await(dialer_->Dial(target, absl::Seconds(10)));
    ASSERT_TRUE(dialed.ok()) << dialed.status();
    client_ = *std::move(dialed);
    auto accepted = loop_.Await(listener_->Accept());
    ASSERT_TRUE(accepted.ok()) << accepted.status();
    server_ = *std::move(accepted);
    client_->ExpiresAfter(absl::Seconds(20));
    server_->ExpiresAfter(absl::Seconds(20));
  }

  // StartTLS at both ends.
  void Upgrade() {
    auto* raw = dynamic_cast<SocketStream*>(client_.get());
    ASSERT_NE(raw, nullptr);
    DialerOptions trust;
    trust.ca_pem = ca_pem_;
    const auto context = MakeClientContext(trust);
    ASSERT_TRUE(context.ok());
    std::optional<Status> upgraded;
    auto done = [&upgraded](const std::exception_ptr&, Status status) { upgraded = status; };
    asio::co_spawn(loop_.context(), server_->StartTlsServer(), std::move(done));
    const Status secured = loop_.Await(raw->StartTlsClient(*context, "localhost"));
    EXPECT_TRUE(secured.ok()) << secured;
    ASSERT_TRUE(loop_.Until([&upgraded] { return upgraded.has_value(); }));
    EXPECT_TRUE(upgraded->ok()) << *upgraded;
  }

  std::string Carry(ByteStream& from, ByteStream& to, const std::string& text) {
    EXPECT_TRUE(loop_.Await(from.WriteAll(text)).ok());
    std::string got;
    char buffer[100];
    while (got.size() < text.size()) {
      const auto count = loop_.Await(to.ReadSome(buffer, sizeof buffer));
      if (!count.ok() || *count == 0) break;
      got.append(buffer, *count);
    }
    return got;
  }

  RunLoop loop_;
  std::string ca_pem_;
  TlsServerConfig config_;
  std::unique_ptr<StreamListener> listener_;
  std::unique_ptr<Dialer> dialer_;
  std::unique_ptr<ByteStream> client_;
  std::unique_ptr<ByteStream> server_;
};

TEST_F(ByteStreamTest, CarriesBytesBothWaysAndEndsInOrder) {
  Connect(false);
  EXPECT_EQ(Carry(*client_, *server_, "question"), "question");
  EXPECT_EQ(Carry(*server_, *client_, "answer"), "answer");
  EXPECT_FALSE(server_->secure());
  EXPECT_EQ(server_->peer().substr(0, 10), "127.0.0.1:");
  loop_.Await(server_->Shutdown());
  char byte = 0;
  const auto end = loop_.Await(client_->ReadSome(&byte, 1));
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(*end, 0U);
}

TEST_F(ByteStreamTest, BecomesTlsInTheMiddle) {
  Connect(true);
  EXPECT_EQ(Carry(*client_, *server_, "please"), "please");
  Upgrade();
  EXPECT_TRUE(server_->secure());
  EXPECT_EQ(Carry(*client_, *server_, "secret"), "secret");
  EXPECT_EQ(Carry(*server_, *client_, "shared"), "shared");
  EXPECT_TRUE(client_->IsQuiet());
  const Status again = loop_.Await(server_->StartTlsServer());
  EXPECT_TRUE(absl::IsFailedPrecondition(again));
}

TEST_F(ByteStreamTest, ACutTlsConnectionIsNoOrderlyEnd) {
  Connect(true);
  Upgrade();
  server_->Close();
  char byte = 0;
  const auto end = loop_.Await(client_->ReadSome(&byte, 1));
  EXPECT_TRUE(absl::IsUnavailable(end.status())) << end.status();
}

TEST_F(ByteStreamTest, NeedsACertificateForTls) {
  Connect(false);
  const Status status = loop_.Await(server_->StartTlsServer());
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
}

TEST_F(ByteStreamTest, ExpiryClosesAndSaysSo) {
  Connect(false);
  server_->ExpiresAfter(absl::Milliseconds(20));
  char byte = 0;
  const auto late = loop_.Await(server_->ReadSome(&byte, 1));
  EXPECT_TRUE(absl::IsDeadlineExceeded(late.status())) << late.status();
  EXPECT_FALSE(server_->IsQuiet());
}

TEST_F(ByteStreamTest, ALaterExpiryReplacesTheEarlier) {
  Connect(false);
  server_->ExpiresAfter(absl::Milliseconds(1));
  server_->ExpiresAfter(absl::InfiniteDuration());
  EXPECT_EQ(Carry(*client_, *server_, "still here"), "still here");
}

TEST_F(ByteStreamTest, QuietMeansOpenWithNothingToRead) {
  Connect(false);
  EXPECT_TRUE(client_->IsQuiet());
  ASSERT_TRUE(loop_.Await(server_->WriteAll("x")).ok());
  EXPECT_TRUE(loop_.Until([this] { return !client_->IsQuiet(); }));
  char byte = 0;
  ASSERT_TRUE(loop_.Await(client_->ReadSome(&byte, 1)).ok());
  EXPECT_TRUE(client_->IsQuiet());
  server_->Close();
  EXPECT_TRUE(loop_.Until([this] { return !client_->IsQuiet(); }));
}

TEST_F(ByteStreamTest, AClosedListenerAcceptsNothing) {
  Connect(false);
  listener_->Close();
  const auto accepted = loop_.Await(listener_->Accept());
  EXPECT_TRUE(absl::IsCancelled(accepted.status()));
}

}  // namespace
}  // namespace driftwarden::net
