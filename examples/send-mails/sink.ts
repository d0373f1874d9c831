/** Takes every mail, composes the whole of it, and throws it away. Some addresses are bad ones, as everywhere. */
import type { Transport } from "nodemailer";

export const sink: Transport = {
  name: "sink",
  version: "1",
  send(mail, done) {
    const refused = String(mail.data.to).includes("+bad@");
    const composed = mail.message.createReadStream().resume();
    composed.once("error", (error) => done(error, undefined));
    composed.once("end", () => done(refused ? new Error("550 no such mailbox") : null, undefined));
  },
};
