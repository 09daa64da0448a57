#pragma once

// Internal to net, for the two files that include Beast; this one does not, being a header.

#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <string>

namespace driftwarden::net {

// Feeds a Beast parser with what was read; leaves in `pending` what belongs to no message yet.
// `need_more` is how Beast says that the message is not whole: no fault.
template <typename Parser>
boost::system::error_code Feed(Parser& parser, std::string& pending,
                               const boost::system::error_code& need_more) {
  while (!pending.empty() && !parser.is_done()) {
    boost::system::error_code error;
    const size_t used = parser.put(boost::asio::buffer(pending), error);
    pending.erase(0, used);
    if (error == need_more || (!error && used == 0)) return {};
    if (error) return error;
  }
  return {};
}

}  // namespace driftwarden::net
