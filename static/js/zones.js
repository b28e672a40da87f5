// Offers the time zones that the browser knows in the time zone field.
const input = document.querySelector("[name=time_zone]");
const offer = document.createElement("datalist");
offer.id = "zones";
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const zone of [here, ...Intl.supportedValuesOf("timeZone").filter((one) => one !== here)]) {
  offer.append(Object.assign(document.createElement("option"), { value: zone }));
}
input.after(offer);
input.setAttribute("list", "zones");
