#pragma once

// Internal to net, for the two files that include Beast.

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/system/error_code.hpp>
#include <string>

namespace driftwarden::net {

// Feeds a Beast parser with what was read; leaves in `pending` what belongs to no message yet.
template <typename Parser>
boost::system::error_code Feed(Parser& parser, std::string& pending) {
  while (!pending.empty() && !parser.is_done()) {
    boost::system::error_code error;
    const size_t used = parser.put(boost::asio::buffer(pending), error);
    pending.erase(0, used);
    if (error == boost::beast::http::error::need_more || (!error && used == 0)) return {};
    if (error) return error;
  }
  return {};
}

}  // namespace driftwarden::net
