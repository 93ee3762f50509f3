#include "config/ipc/socket.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

std::filesystem::path watched;
std::optional<bool> there_before_listening;

}  // namespace

// In the place of libc's, to see what is there before.
extern "C" int listen(int fd, int backlog) noexcept {
  there_before_listening = std::filesystem::exists(watched);
  return static_cast<int>(syscall(SYS_listen, fd, backlog));
}

namespace sluice::ipc {
namespace {

using namespace std::chrono_literals;

class IpcTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() / ("sluice-ipc-" + std::to_string(getpid()));
    path_ = dir_ / "a.sock";
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::filesystem::path dir_;
  std::filesystem::path path_;
};

TEST_F(IpcTest, AnswersCommandsAndCarriesErrors) {
  auto server = Server::listen(path_, [](const nlohmann::json& request) {
    if (request.contains("fail")) return error({"broken", "here", "mend it"});
    return ok({{"echo", request["command"]}});
  });
  ASSERT_TRUE(server) << server.error().text();
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0660U);

  std::atomic<bool> stop{false};
  std::thread loop([&] {
    while (!stop) server->serve(20ms);
  });
  const auto reply = call(path_, {{"command", "status"}}, 2s);
  ASSERT_TRUE(reply) << reply.error().text();
  EXPECT_EQ((*reply)["echo"], "status");
  const auto refused = call(path_, {{"fail", true}}, 2s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(), "here: broken; mend it");

  // A peer that talks nonsense, or hangs up in the middle, harms nobody.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path_.c_str());  // NOLINT: the test's own short path
  const int rude = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(connect(rude, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::string flood(200'000, 'x');
  (void)send(rude, flood.data(), flood.size(), MSG_NOSIGNAL);
  close(rude);
  EXPECT_FALSE(call(path_, nlohmann::json::array(), 2s));
  EXPECT_TRUE(call(path_, {{"command", "again"}}, 2s));
  stop = true;
  loop.join();
}

TEST_F(IpcTest, WhoWaitsKeepsNobodyElseWaiting) {
  std::atomic<bool> go_on{false};
  std::atomic<int> running{0};
  const Later wait = [&] {
    ++running;
    while (!go_on) std::this_thread::sleep_for(1ms);
    return ok({{"said", "waited"}});
  };
  auto server = Server::listen(
      path_,
      [](const nlohmann::json& request) {
        return ok({{"said", request["command"]}});
      },
      [&](const nlohmann::json& request) { return request["command"] == "wait" ? wait : Later(); });
  ASSERT_TRUE(server) << server.error().text();
  std::atomic<bool> stop{false};
  std::thread loop([&] {
    while (!stop) server->serve(20ms);
  });
  // One that goes away meanwhile is nobody's trouble.
  EXPECT_FALSE(call(path_, {{"command", "wait"}}, 50ms));
  // What comes on the connection of a request that waits comes after its answer.
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::string both = "{\"command\":\"wait\"}\n{\"command\":\"after\"}\n";
  ASSERT_EQ(send(fd, both.data(), both.size(), 0), static_cast<ssize_t>(both.size()));
  while (running < 2) std::this_thread::sleep_for(1ms);
  for (int i = 0; i < 10; ++i) {
    const auto reply = call(path_, {{"command", "status"}}, 2s);
    ASSERT_TRUE(reply) << reply.error().text();
    EXPECT_EQ((*reply)["said"], "status");
  }
  std::vector<char> none(1);
  EXPECT_EQ(recv(fd, none.data(), 1, MSG_DONTWAIT), -1);
  go_on = true;
  std::string got;
  std::vector<char> buffer(4096);
  while (std::count(got.begin(), got.end(), '\n') < 2) {
    const ssize_t n = recv(fd, buffer.data(), buffer.size(), 0);
    ASSERT_GT(n, 0);
    got.append(buffer.data(), static_cast<std::size_t>(n));
  }
  EXPECT_LT(got.find("waited"), got.find("after"));
  close(fd);
  stop = true;
  loop.join();
}

TEST_F(IpcTest, TakesOverFromADeadProcessOnly) {
  const auto nothing = [](const nlohmann::json&) { return ok(); };
  auto first = Server::listen(path_, nothing);
  ASSERT_TRUE(first);
  const auto second = Server::listen(path_, nothing);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text().find("already"), std::string::npos);
  EXPECT_FALSE(call(dir_ / "none.sock", {{"command", "status"}}, 100ms));
}

// Whoever waits for the file may connect at once.
TEST_F(IpcTest, TheSocketIsThereOnlyOnceItListens) {
  watched = path_;
  const auto server = Server::listen(path_, [](const nlohmann::json&) { return ok(); });
  ASSERT_TRUE(server);
  EXPECT_EQ(there_before_listening, false);
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(IpcTest, ASilentPeerIsATimeout) {
  auto server = Server::listen(path_, [](const nlohmann::json&) { return ok(); });
  ASSERT_TRUE(server);
  const auto reply = call(path_, {{"command", "status"}}, 100ms);
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().text().find("no answer"), std::string::npos);
}

TEST_F(IpcTest, RestsWhileAPeerThatSaidAllDoesNotRead) {
  auto server = Server::listen(path_, [](const nlohmann::json&) {
    return ok({{"long", std::string(8'000'000, 'x')}});
  });
  ASSERT_TRUE(server);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path_.c_str());  // NOLINT: the test's own short path
  const int lazy = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(connect(lazy, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(send(lazy, "{}\n", 3, MSG_NOSIGNAL), 3);
  ASSERT_EQ(shutdown(lazy, SHUT_WR), 0);
  for (int i = 0; i < 5; ++i) server->serve(10ms);
  const auto start = std::chrono::steady_clock::now();
  server->serve(100ms);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 90ms);
  // What is still owed is delivered once it reads.
  std::size_t got = 0;
  std::vector<char> buffer(1 << 20);
  for (int i = 0; i < 1000 && got < 8'000'000; ++i) {
    const ssize_t n = recv(lazy, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n > 0) got += static_cast<std::size_t>(n);
    server->serve(1ms);
  }
  EXPECT_GT(got, 8'000'000U);
  close(lazy);
}

}  // namespace
}  // namespace sluice::ipc
