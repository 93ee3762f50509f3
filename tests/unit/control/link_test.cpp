// The dataplane comes, goes, refuses and comes back.
#include <atomic>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

#include "config/ipc/socket.h"
#include "control/publish/dataplane_link.h"
#include "tests/unit/control/repository.h"

namespace sluice::publish {
namespace {

using std::chrono::milliseconds;

class FakeDataplane {
 public:
  explicit FakeDataplane(const std::filesystem::path& socket)
      : server_(ipc::Server::listen(
                    socket, [this](const nlohmann::json& request) { return answer(request); })
                    .value()),
        thread_([this] {
          while (!stop_) server_.serve(milliseconds(10));
        }) {}
  ~FakeDataplane() {
    stop_ = true;
    thread_.join();
  }

  std::atomic<std::uint64_t> generation{0};
  std::atomic<std::uint64_t> next{0};  // what a load yields; 0: refused
  std::atomic<unsigned> loads{0};

 private:
  nlohmann::json answer(const nlohmann::json& request) {
    if (request["command"] == "load") {
      ++loads;
      if (next == 0) return ipc::error({"the file is damaged", "x.lmdb", ""});
      generation = next.load();
    }
    return ipc::ok({{"generation", generation.load()}});
  }

  std::atomic<bool> stop_{false};
  ipc::Server server_;
  std::thread thread_;
};

class Link : public ::testing::Test {
 protected:
  template <class Condition>
  static bool eventually(Condition condition) {
    for (int i = 0; i < 500; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return false;
  }

  test::Folder folder_;
  std::filesystem::path socket_ = folder_.path() / "dataplane.sock";
  DataplaneLink link_{
      {.socket = socket_, .interval = milliseconds(20), .refusal_pause = milliseconds(300)}};
};

TEST_F(Link, LoadsAndAcknowledges) {
  FakeDataplane dataplane(socket_);
  dataplane.next = 7;
  link_.want(7, "/x/7.lmdb");
  const LinkStatus status = link_.wait(milliseconds(5000));
  EXPECT_TRUE(status.connected);
  EXPECT_TRUE(eventually([&] { return link_.status().generation == 7; }));
  EXPECT_EQ(dataplane.loads, 1U);
}

TEST_F(Link, ADeadDataplaneIsToldApartAndCatchesUp) {
  link_.want(3, "/x/3.lmdb");
  const LinkStatus status = link_.wait(milliseconds(5000));
  EXPECT_FALSE(status.connected);
  EXPECT_THAT(status.error, ::testing::HasSubstr("cannot connect"));
  FakeDataplane dataplane(socket_);
  dataplane.next = 3;
  EXPECT_TRUE(eventually([&] { return link_.status().generation == 3; }));
}

TEST_F(Link, ARestartedDataplaneIsBroughtBack) {
  {
    FakeDataplane dataplane(socket_);
    dataplane.next = 5;
    link_.want(5, "/x/5.lmdb");
    ASSERT_TRUE(eventually([&] { return link_.status().generation == 5; }));
  }
  FakeDataplane dataplane(socket_);
  dataplane.generation = 4;
  dataplane.next = 5;
  EXPECT_TRUE(eventually([&] { return dataplane.generation == 5; }));
}

TEST_F(Link, ARefusalIsToldAndNotRepeatedHot) {
  FakeDataplane dataplane(socket_);
  link_.want(9, "/x/9.lmdb");
  ASSERT_TRUE(eventually([&] { return link_.status().refused; }));
  EXPECT_THAT(link_.status().error, ::testing::HasSubstr("the file is damaged"));
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_EQ(dataplane.loads, 1U);
  EXPECT_TRUE(eventually([&] { return dataplane.loads == 2; }));
  dataplane.next = 10;
  link_.want(10, "/x/10.lmdb");
  EXPECT_TRUE(eventually([&] { return link_.status().generation == 10; }));
  EXPECT_FALSE(link_.status().refused);
}

TEST_F(Link, AWrongAcknowledgementIsARefusal) {
  FakeDataplane dataplane(socket_);
  dataplane.next = 1;
  link_.want(2, "/x/2.lmdb");
  EXPECT_TRUE(eventually([&] { return link_.status().refused; }));
}

}  // namespace
}  // namespace sluice::publish
