export { PanelLayout as default } from "../panel-layout.tsx";
