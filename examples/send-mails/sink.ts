/** Takes every mail, composes the whole of it, and throws it away. Some addresses are bad ones, as everywhere. */
import type { Transport } from "nodemailer";

const NO_MAILBOX = Object.assign(new Error("550 no such mailbox"), { responseCode: 550 });

export const sink: Transport = {
  name: "sink",
  version: "1",
  send(mail, done) {
    const refused = JSON.stringify(mail.data.envelope).includes("+bad@");
    const composed = mail.message.createReadStream().resume();
    composed.once("error", (error) => done(error, undefined));
    composed.once("end", () => done(refused ? NO_MAILBOX : null, undefined));
  },
};
