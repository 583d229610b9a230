// Previews of chosen photos. Decoded, a photo takes some fifty megabytes: a hundred at once would end the tab of a phone.

const AT_ONCE = 2;

const waiting = [];
let decoding = 0;

/** Show a file in an `<img>` when it is its turn; `failed()` is called if the browser cannot decode it. */
export function preview(file, picture, failed) {
  waiting.push({ file, picture, failed });
  decodeNext();
}

function decodeNext() {
  while (decoding < AT_ONCE && waiting.length) {
    const { file, picture, failed } = waiting.shift();
    if (picture.isConnected) {
      decoding += 1;
      const address = URL.createObjectURL(file);
      picture.src = address;
      picture
        .decode()
        .catch(failed)
        .finally(() => {
          URL.revokeObjectURL(address);
          decoding -= 1;
          decodeNext();
        });
    }
  }
}
